namespace TorchZoo.Data.Formats;

/// <summary>What a reader finds in a file of points.</summary>
internal sealed class ParsedPoints
{
    /// <summary>Three numbers a point.</summary>
    public List<double> Positions { get; } = [];

    /// <summary>Three numbers a point, or none at all.</summary>
    public List<double> Normals { get; } = [];

    /// <summary>Three numbers of points a triangle.</summary>
    public List<long> Triangles { get; } = [];

    /// <summary>Adds a face of any number of corners.</summary>
    public void AddFace(ReadOnlySpan<long> corners)
    {
        for (var i = 2; i < corners.Length; i++) Triangles.AddRange([corners[0], corners[i - 1], corners[i]]);
    }
}
