using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>The lines on which a field on a grid has a given value, by marching squares.</summary>
public static class Contour
{
    /// <summary>The lines between nodes below the level and nodes at or above it, with linear interpolation along the grid's
    /// edges.</summary>
    /// <param name="field">(n₀, n₁), real and finite; less than two nodes along an axis have no line between them.</param>
    /// <param name="level">The value.</param>
    /// <param name="axes">Coordinates of the first and last node of each axis; null: 0 and n − 1.</param>
    /// <returns>Lines, closed or from border to border, with the lower values on their left (the first axis to the right, the second up).
    /// Where values at nodes equal the level, points of a line may coincide.</returns>
    /// <exception cref="ArgumentException">The field has another number of axes, isn't real or isn't finite; the level or an interval isn't
    /// valid.</exception>
    public static IReadOnlyList<ContourLine> Extract(Tensor field, double level = 0, IReadOnlyList<(double Low, double High)>? axes = null)
    {
        using var grid = new GridField(field, dimensions: 2, level, axes);
        var next = Segments(grid);
        var hasPrevious = next.Values.ToHashSet();
        var lines = new List<ContourLine>();
        foreach (var start in next.Keys.Where(k => !hasPrevious.Contains(k)).ToList()) lines.Add(new(Follow(start), IsClosed: false));
        while (next.Count > 0) lines.Add(new(Follow(next.Keys.First()), IsClosed: true));
        return lines;

        List<(double, double)> Follow(long start)
        {
            var points = new List<(double, double)>();
            for (var at = start; ;)
            {
                points.Add((grid.Crossing(at >> 1, (int)(at & 1), 0), grid.Crossing(at >> 1, (int)(at & 1), 1)));
                if (!next.Remove(at, out at) || at == start) return points;
            }
        }
    }

    // From each crossing to the next on its line. A crossing is twice the number of the node from which its edge goes, plus the edge's
    // axis.
    private static SortedDictionary<long, long> Segments(GridField grid)
    {
        var next = new SortedDictionary<long, long>();
        Span<(int From, int To)> segments = stackalloc (int, int)[2];
        for (var i = 0L; i + 1 < grid.Shape[0]; i++)
            for (var j = 0L; j + 1 < grid.Shape[1]; j++)
            {
                long a = (i * grid.Stride(0)) + j, b = a + grid.Stride(0), c = b + 1, d = a + 1;
                ReadOnlySpan<long> sides = [2 * a, (2 * b) + 1, 2 * d, (2 * a) + 1];
                for (var k = GridField.CrossSquare([grid[a], grid[b], grid[c], grid[d]], segments) - 1; k >= 0; k--)
                    next.Add(sides[segments[k].From], sides[segments[k].To]);
            }
        return next;
    }
}
