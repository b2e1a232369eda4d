using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>An array of an <see cref="ArrayFile"/>, as it is read.</summary>
/// <param name="Name">Its name in the file; a path where arrays are within others, see <see cref="ArrayFile"/>.</param>
/// <param name="Dtype">The type of its tensor.</param>
/// <param name="Shape">Sizes along the axes; none for a single number.</param>
public sealed record ArrayInfo(string Name, ScalarType Dtype, IReadOnlyList<long> Shape)
{
    /// <summary>What the numbers stand for where the file has names instead: number i is the i-th. Null: they are numbers.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Rows, along the first axis; 1 for a single number.</summary>
    public long Rows => Shape.Count == 0 ? 1 : Shape[0];

    /// <summary>Name, type and shape in words.</summary>
    public override string ToString() => $"{Name}: {Dtype} ({string.Join(", ", Shape)})";
}
