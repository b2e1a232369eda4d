using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// The surface on which a field on a grid has a given value, by marching cubes: where the grid's edges pass the level are vertices, on the
/// faces of a cube they are joined as in marching squares, the loops that this gives in each cube are cut into triangles.
/// </summary>
/// <remarks>Lorensen and Cline 1987, without their table of cases: two cubes see the same lines on their common face, so the surface has no
/// holes, whatever the field.</remarks>
public static class IsoSurface
{
    // A corner of a cube is a number of three bits, one an axis. An edge is 8 times its axis plus its first corner.
    private const int Edges = 24;

    // The corners of the six faces, each anticlockwise as seen from outside.
    private static readonly int[][] FaceCorners = [.. Enumerable.Range(0, 6).Select(f =>
    {
        int axis = f >> 1, u = 1 << ((axis + 1) % 3), v = 1 << ((axis + 2) % 3), side = (f & 1) << axis;
        return (f & 1) == 1 ? new[] { side, side + u, side + u + v, side + v } : [side, side + v, side + u + v, side + u];
    })];

    private static readonly int[][] FaceEdges =
        [.. FaceCorners.Select(c => Enumerable.Range(0, 4).Select(k => Edge(c[k], c[(k + 1) & 3])).ToArray())];

    /// <summary>The surface between nodes below the level and nodes at or above it, with linear interpolation along the grid's
    /// edges.</summary>
    /// <param name="field">(n₀, n₁, n₂), real and finite; less than two nodes along an axis have no surface between them.</param>
    /// <param name="level">The value.</param>
    /// <param name="axes">Coordinates of the first and last node of each axis; null: 0 and n − 1.</param>
    /// <returns>Vertices in float64 and triangles that face greater values. It is closed but for where it leaves the grid. Where values at
    /// nodes equal the level, vertices may coincide and triangles have no area; their connections are right all the same.</returns>
    /// <exception cref="ArgumentException">The field has another number of axes, isn't real or isn't finite; the level or an interval isn't
    /// valid.</exception>
    public static TriangleMesh Extract(Tensor field, double level = 0, IReadOnlyList<(double Low, double High)>? axes = null)
    {
        using var grid = new GridField(field, dimensions: 3, level, axes);
        var surface = new Builder(grid);
        for (var i = 0L; i + 1 < grid.Shape[0]; i++)
            for (var j = 0L; j + 1 < grid.Shape[1]; j++)
                for (var k = 0L; k + 1 < grid.Shape[2]; k++)
                    surface.Cross((i * grid.Stride(0)) + (j * grid.Stride(1)) + k);
        return surface.Mesh();
    }

    private static int Edge(int corner, int other) => (8 * int.Log2(corner ^ other)) + (corner & other);

    private sealed class Builder
    {
        private readonly GridField _grid;
        private readonly long[] _corners;
        private readonly List<double> _vertices = [];
        private readonly List<long> _faces = [];
        private readonly Dictionary<long, long> _numbers = [];
        private readonly Dictionary<ulong, int[]> _triangles = [];

        public Builder(GridField grid)
        {
            _grid = grid;
            _corners = [.. Enumerable.Range(0, 8).Select(c => Enumerable.Range(0, 3).Sum(a => (c >> a & 1) * grid.Stride(a)))];
        }

        public TriangleMesh Mesh() => new(
            tensor(_vertices.ToArray(), [_vertices.Count / 3, 3]), tensor(_faces.ToArray(), [_faces.Count / 3, 3]));

        /// <summary>Adds what lies in a cube, given by its first node.</summary>
        public void Cross(long node)
        {
            var below = 0;
            foreach (var corner in _corners) below += _grid[node + corner] < 0 ? 1 : 0;
            if (below is 0 or 8) return;

            Span<sbyte> next = stackalloc sbyte[Edges];
            next.Fill(-1);
            Span<double> values = stackalloc double[4];
            Span<(int From, int To)> segments = stackalloc (int, int)[2];
            for (var f = 0; f < 6; f++)
            {
                for (var k = 0; k < 4; k++) values[k] = _grid[node + _corners[FaceCorners[f][k]]];
                for (var s = GridField.CrossSquare(values, segments) - 1; s >= 0; s--)
                    next[FaceEdges[f][segments[s].From]] = (sbyte)FaceEdges[f][segments[s].To];
            }
            // An edge that passes the level is left on one of its faces and entered on the other: the segments form loops.
            Span<int> loop = stackalloc int[12];
            for (var start = 0; start < Edges; start++)
            {
                var length = 0;
                for (int at = start, to; (to = next[at]) >= 0; at = to)
                {
                    loop[length++] = at;
                    next[at] = -1;
                }
                if (length > 0) Add(node, loop[..length]);
            }
        }

        private void Add(long node, ReadOnlySpan<int> loop)
        {
            var key = 0ul;
            foreach (var edge in loop) key = (key << 5) + (ulong)edge + 1;
            if (!_triangles.TryGetValue(key, out var corners)) _triangles.Add(key, corners = Polygon.Triangulate(loop.ToArray()));
            if (corners.Length > 0)
                foreach (var corner in corners) _faces.Add(Number(node, loop[corner]));
            else
                AddFan(node, loop);
        }

        // Triangles around the loop's mean, which lies inside the cube: for loops that can't be cut otherwise.
        private void AddFan(long node, ReadOnlySpan<int> loop)
        {
            var numbers = new long[loop.Length];
            for (var i = 0; i < loop.Length; i++) numbers[i] = Number(node, loop[i]);
            var centre = _vertices.Count / 3;
            for (var a = 0; a < 3; a++) _vertices.Add(numbers.Average(n => _vertices[(int)(3 * n) + a]));
            for (var i = 0; i < numbers.Length; i++) _faces.AddRange([centre, numbers[(i + 1) % numbers.Length], numbers[i]]);
        }

        // The vertex on an edge of the cube; cubes that share the edge share the vertex.
        private long Number(long cube, int edge)
        {
            var (node, axis) = (cube + _corners[edge & 7], edge >> 3);
            if (_numbers.TryGetValue((3 * node) + axis, out var number)) return number;
            number = _vertices.Count / 3;
            for (var a = 0; a < 3; a++) _vertices.Add(_grid.Crossing(node, axis, a));
            _numbers.Add((3 * node) + axis, number);
            return number;
        }
    }

    private static class Polygon
    {
        /// <summary>Cuts a loop of edges of the cube into triangles, so that no cut lies in a face of the cube: there, the next cube might
        /// have the same cut, and four triangles would meet.</summary>
        /// <returns>Places in the loop, three a triangle; empty if it can't be done.</returns>
        public static int[] Triangulate(int[] loop)
        {
            // The least number of such cuts between places i and j, and the third corner of the triangle on that side.
            var best = new (int Cuts, int Third)[loop.Length, loop.Length];
            for (var span = 2; span < loop.Length; span++)
                for (var i = 0; i + span < loop.Length; i++)
                    best[i, i + span] = Enumerable.Range(i + 1, span - 1)
                        .Select(k => (best[i, k].Cuts + best[k, i + span].Cuts + Cut(i, k) + Cut(k, i + span), k)).Min();
            var triangles = new List<int>();
            if (best[0, loop.Length - 1].Cuts == 0) Collect(0, loop.Length - 1);
            return [.. triangles];

            int Cut(int i, int k) => k - i > 1 && FaceEdges.Any(f => f.Contains(loop[i]) && f.Contains(loop[k])) ? 1 : 0;

            void Collect(int i, int j)
            {
                if (j - i < 2) return;
                var k = best[i, j].Third;
                triangles.AddRange([i, j, k]);
                Collect(i, k);
                Collect(k, j);
            }
        }
    }
}
