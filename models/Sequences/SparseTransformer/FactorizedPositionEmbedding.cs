using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>Σ_j P_j[digit j of t]: a position t is a number of several digits, such as row, column and channel of a pixel, and each digit
/// has an embedding (section 5.2).</summary>
public sealed class FactorizedPositionEmbedding : Module<Tensor, Tensor>
{
    private readonly ParameterList axes = new();

    /// <summary>Random embeddings, of standard deviation 0.01 / √axes.</summary>
    /// <param name="sizes">Sizes of the axes, slowest first.</param>
    /// <param name="dim">Features.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">There is no axis, or one without positions.</exception>
    public FactorizedPositionEmbedding(IReadOnlyList<int> sizes, int dim, Generator? generator = null)
        : base(nameof(FactorizedPositionEmbedding))
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dim);
        if (sizes.Count == 0 || sizes.Any(s => s < 1))
            throw new ArgumentException($"expected positive sizes, got ({string.Join(", ", sizes)})", nameof(sizes));
        foreach (var size in sizes) axes.append(Weights.Normal([size, dim], 0.01 / Math.Sqrt(sizes.Count), generator));
        RegisterComponents();
    }

    /// <summary>How many positions there are.</summary>
    public long Count => axes.Aggregate(1L, (product, axis) => product * axis.shape[0]);

    /// <summary>The embeddings of positions.</summary>
    /// <param name="positions">int64 (n), each below <see cref="Count"/>.</param>
    /// <returns>(n, features)</returns>
    public override Tensor forward(Tensor positions)
    {
        ArgumentNullException.ThrowIfNull(positions);
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        var rest = positions;
        foreach (var axis in axes.Reverse())
        {
            var digit = axis.index_select(0, rest.remainder(axis.shape[0]));
            sum = sum is null ? digit : sum + digit;
            rest = rest.div(axis.shape[0], RoundingMode.floor);
        }
        return sum!.MoveToOuterDisposeScope();
    }
}
