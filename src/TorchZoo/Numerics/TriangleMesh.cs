using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>A surface of triangles that share their corners.</summary>
public sealed class TriangleMesh : IDisposable
{
    /// <summary>Takes over the tensors.</summary>
    /// <param name="vertices">Corners (v, 3), real.</param>
    /// <param name="faces">The numbers of each triangle's corners (f, 3), int64; anticlockwise as seen from the side that is
    /// outside.</param>
    /// <exception cref="ArgumentException">A shape or type is another, or there is no corner of some number.</exception>
    public TriangleMesh(Tensor vertices, Tensor faces)
    {
        ArgumentNullException.ThrowIfNull(vertices);
        ArgumentNullException.ThrowIfNull(faces);
        if (!vertices.is_floating_point() || vertices.dim() != 2 || vertices.shape[1] != 3)
            throw new ArgumentException($"Expected real (v, 3), got {vertices.dtype} ({string.Join(", ", vertices.shape)})",
                nameof(vertices));
        if (faces.dtype != ScalarType.Int64 || faces.dim() != 2 || faces.shape[1] != 3)
            throw new ArgumentException($"Expected int64 (f, 3), got {faces.dtype} ({string.Join(", ", faces.shape)})", nameof(faces));
        using (NewDisposeScope())
            if (faces.numel() > 0 && (faces.min().item<long>() < 0 || faces.max().item<long>() >= vertices.shape[0]))
                throw new ArgumentException($"Expected numbers of the {vertices.shape[0]} vertices, got {faces.min().item<long>()} to "
                    + $"{faces.max().item<long>()}", nameof(faces));
        (Vertices, Faces) = (vertices, faces);
    }

    /// <summary>Corners (v, 3).</summary>
    public Tensor Vertices { get; }

    /// <summary>The numbers of each triangle's corners (f, 3).</summary>
    public Tensor Faces { get; }

    /// <summary>The sum of the triangles' areas.</summary>
    public double Area
    {
        get
        {
            using var scope = NewDisposeScope();
            return Crosses().Cross.norm(1).sum().item<double>() / 2;
        }
    }

    /// <summary>The volume that a closed surface encloses; negative if its triangles face inward.</summary>
    public double Volume
    {
        get
        {
            using var scope = NewDisposeScope();
            var (a, cross) = Crosses();
            return (a * cross).sum().item<double>() / 6;
        }
    }

    /// <summary>Vertices − edges + faces: twice the number of parts less twice the number of handles, for a closed surface.</summary>
    public long EulerCharacteristic => Vertices.shape[0] - Edges().Count + Faces.shape[0];

    /// <summary>Every edge has exactly two triangles, which face the same way: a surface without holes that does not cross or touch itself
    /// along an edge.</summary>
    public bool IsClosed => Edges().Values.All(e => e is (1, 1));

    /// <summary>Unit normals at the vertices (v, 3): the mean of the triangles' normals, weighted by area; 0 where there is none.</summary>
    public Tensor VertexNormals()
    {
        using var scope = NewDisposeScope();
        var sums = zeros(Vertices.shape, dtype: ScalarType.Float64);
        var cross = Crosses().Cross;
        for (var k = 0; k < 3; k++) sums.index_add_(0, Faces.select(1, k).cpu(), cross, 1);
        sums /= sums.norm(1, keepdim: true).clamp_min(double.Epsilon);
        return sums.to(Vertices.dtype).to(Vertices.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Vertices.Dispose();
        Faces.Dispose();
    }

    // A corner of each triangle and the product of the edges from it: twice the area, along the normal. (f, 3)
    private (Tensor Corner, Tensor Cross) Crosses()
    {
        var vertices = Vertices.detach().to(ScalarType.Float64).cpu();
        var corners = Enumerable.Range(0, 3).Select(k => vertices.index_select(0, Faces.select(1, k).cpu())).ToArray();
        return (corners[0], linalg.cross(corners[1] - corners[0], corners[2] - corners[0], dim: 1));
    }

    // How many triangles pass an edge from its lesser to its greater vertex, and the other way.
    private Dictionary<(long, long), (int Up, int Down)> Edges()
    {
        using var scope = NewDisposeScope();
        var corners = Faces.numel() == 0 ? [] : Faces.cpu().contiguous().data<long>().ToArray();
        var edges = new Dictionary<(long, long), (int Up, int Down)>(corners.Length / 2);
        for (var i = 0; i < corners.Length; i++)
        {
            var (from, to) = (corners[i], corners[i % 3 == 2 ? i - 2 : i + 1]);
            var (up, down) = edges.GetValueOrDefault((Math.Min(from, to), Math.Max(from, to)));
            edges[(Math.Min(from, to), Math.Max(from, to))] = from < to ? (up + 1, down) : (up, down + 1);
        }
        return edges;
    }
}
