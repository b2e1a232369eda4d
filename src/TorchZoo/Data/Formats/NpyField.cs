namespace TorchZoo.Data.Formats;

/// <summary>A column of a NumPy file.</summary>
/// <param name="Name">Its name; empty for the elements of a plain array.</param>
/// <param name="Element">Its numbers.</param>
/// <param name="Shape">Its axes within a record.</param>
/// <param name="Offset">Where it begins in a record.</param>
internal sealed record NpyField(string Name, NpyElement Element, long[] Shape, int Offset)
{
    /// <summary>Numbers in a record.</summary>
    public int Count { get; } = (int)Shape.Aggregate(1L, (a, b) => a * b);
}
