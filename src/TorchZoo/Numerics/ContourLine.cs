namespace TorchZoo.Numerics;

/// <summary>A line in the plane.</summary>
/// <param name="Points">Its corners, in order: first and second coordinate.</param>
/// <param name="IsClosed">The last point is followed by the first.</param>
public sealed record ContourLine(IReadOnlyList<(double First, double Second)> Points, bool IsClosed)
{
    /// <summary>Its length.</summary>
    public double Length
    {
        get
        {
            var sum = 0.0;
            for (var i = IsClosed ? 0 : 1; i < Points.Count; i++)
            {
                var (a, b) = (Points[i == 0 ? Points.Count - 1 : i - 1], Points[i]);
                sum += Math.Sqrt(((a.First - b.First) * (a.First - b.First)) + ((a.Second - b.Second) * (a.Second - b.Second)));
            }
            return sum;
        }
    }
}
