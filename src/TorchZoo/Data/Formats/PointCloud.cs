using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>Points in space, oriented or not.</summary>
/// <param name="Points">(n, 3), float64.</param>
/// <param name="Normals">Unit normals (n, 3), 0 where a point has none; null: no point has one.</param>
public sealed record PointCloud(Tensor Points, Tensor? Normals) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Points.Dispose();
        Normals?.Dispose();
    }
}
