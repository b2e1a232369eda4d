using TorchSharp.Modules;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A polynomial's weights: <c>{k − 1}.weight</c> of the power k, and its <c>bias</c>.</summary>
internal sealed class PadeKernels : Module
{
    // Powers above the first begin small, so that a new layer is about linear.
    private const double Small = 0.1;

    private readonly Kernel[] _kernels;

    /// <summary>Weights N(0, σ²/fan-in), σ = 1 for the first power of a numerator and 0.1 for all others.</summary>
    /// <param name="name">Numerator or denominator.</param>
    /// <param name="powers">How many.</param>
    /// <param name="shape">A weight's, outputs first.</param>
    /// <param name="bias">The numerator's, σ; null: a denominator, which has none and is small altogether.</param>
    /// <param name="generator">Source of the random numbers.</param>
    public PadeKernels(string name, int powers, long[] shape, double? bias, Generator? generator) : base(name)
    {
        var fanIn = shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        _kernels = [.. Enumerable.Range(0, powers).Select(k => new Kernel(
            Normal(shape, (bias is not null && k == 0 ? 1 : Small) / Math.Sqrt(fanIn))))];
        for (var k = 0; k < powers; k++) register_module(FormattableString.Invariant($"{k}"), _kernels[k]);
        if (bias is { } sigma) register_parameter("bias", Normal([shape[0]], sigma));

        Parameter Normal(long[] size, double deviation)
        {
            using var off = no_grad();
            return new Parameter(zeros(size).normal_(0, deviation, generator));
        }
    }

    public int Powers => _kernels.Length;

    /// <summary>a_0, in float32 at least.</summary>
    public Tensor Bias => Autocast.ToFullPrecision(get_parameter("bias")!);

    /// <summary>The weight of the power k ≥ 1, in float32 at least; null: there is none.</summary>
    public Tensor? Weight(int k) => k <= _kernels.Length ? Autocast.ToFullPrecision(_kernels[k - 1].get_parameter("weight")!) : null;

    private sealed class Kernel : Module
    {
        public Kernel(Parameter weight) : base(nameof(Kernel)) => register_parameter("weight", weight);
    }
}
