using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A penalty that makes a network sparse, so that it can be pruned: the sum over the layers of μ₁ L1 + μ₂ (S_row + S_col), where the edges'
/// sizes A_{ji} = std(φ_{ij})/(std(x_i) + 0.1) have the sum L1 and the mean entropies S of rows and columns.
/// </summary>
/// <remarks>Source: Liu et al. 2024, equations 2.17 to 2.20, with the reference's standard deviations in place of the paper's mean |φ|.</remarks>
public sealed record KanRegularizer
{
    /// <summary>μ₁</summary>
    public double L1 { get; init; } = 1;

    /// <summary>μ₂</summary>
    public double Entropy { get; init; } = 2;

    /// <summary>Factor of the coefficients' absolute values.</summary>
    public double Coefficients { get; init; }

    /// <summary>Factor of the absolute differences of neighbouring coefficients.</summary>
    public double Differences { get; init; }

    /// <summary>The penalty.</summary>
    /// <param name="network">The network.</param>
    /// <param name="trace">What <see cref="Kan.Trace"/> gave for the samples, 2 at least.</param>
    public Tensor Loss(Kan network, KanTrace trace)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(trace);
        using var scope = NewDisposeScope();
        var sum = zeros([], trace.Output.dtype, trace.Output.device);
        for (var l = 0; l < network.Layers.Count; l++)
        {
            // The root of 0 has no slope: edges that are masked are constant.
            var size = (trace.Edges[l].var([0]) + 1e-20).sqrt() / (trace.Inputs[l].std([0]) + 0.1);
            Tensor rows = size / (size.sum([1], keepdim: true) + 1), columns = size / (size.sum([0], keepdim: true) + 1);
            sum = sum + size.sum() * L1 + (Bits(rows).sum([1]).mean() + Bits(columns).sum([0]).mean()) * Entropy;
            var c = network.Layers[l].Coefficients;
            if (Coefficients != 0) sum = sum + c.abs().mean([1]).sum() * Coefficients;
            if (Differences != 0) sum = sum + c.diff(1, -1).abs().mean([1]).sum() * Differences;
        }
        return sum.MoveToOuterDisposeScope();
    }

    private static Tensor Bits(Tensor share) => share * (share + 1e-4).log2() * -1;
}
