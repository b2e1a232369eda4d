using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary>
/// Which keys each query attends to: the union of some parts. Parts are computed one after the other and merged exactly, so a query may
/// have its keys in several; a pair that is in two parts would count twice. A query without keys has the output 0.
/// </summary>
/// <example>A window of 3, and every fourth position:<code>
/// var plan = new RangePlan(new RangePart([RangeGroup.Band(positions, 3)]),
///     new RangePart([.. residues.Select(r => RangeGroup.Triangle(r, diagonal: false))]));
/// </code></example>
/// <param name="parts">The parts; no pair of a query and a key is in two.</param>
public sealed class RangePlan(params IReadOnlyList<RangePart> parts)
{
    /// <summary>The parts.</summary>
    public IReadOnlyList<RangePart> Parts { get; } = parts ?? throw new ArgumentNullException(nameof(parts));

    /// <summary>Pairs of a query and a key: the computation takes time in proportion.</summary>
    public long PairCount => Parts.Sum(p => p.PairCount);

    /// <summary>The least length of a sequence that has all positions.</summary>
    public int Length => Parts.Count == 0 ? 0 : Parts.Max(p => p.Length);

    /// <summary>The plan as a matrix, true where query i attends to key j: (length, length). For pictures, and to test against.</summary>
    /// <param name="length">Length of the sequence.</param>
    /// <exception cref="ArgumentException">The plan has positions beyond it.</exception>
    public Tensor ToMask(int length)
    {
        if (length < Length) throw new ArgumentException($"expected a length of at least {Length}, got {length}", nameof(length));
        var mask = new bool[(long)length * length];
        foreach (var part in Parts)
            for (var g = 0; g < part.Groups; g++)
                for (var t = part.QueryStarts[g]; t < part.QueryStarts[g + 1]; t++)
                    for (var u = part.Low[t]; u < part.High[t]; u++)
                        mask[(long)part.Queries[t] * length + part.Keys[part.KeyStarts[g] + u]] = true;
        return tensor(mask, [length, length]);
    }
}
