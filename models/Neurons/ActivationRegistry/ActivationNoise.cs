using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The random numbers of one call: one for each neuron, the same for all examples, which lie along the first axis.</summary>
/// <param name="x">The input.</param>
/// <param name="scale">The noise's size.</param>
/// <param name="isOddEpoch">Whether the first, third, … epoch is running.</param>
/// <param name="generator">Source of the random numbers, on the input's device; null: torch's default.</param>
internal sealed class ActivationNoise(Tensor x, Tensor scale, bool isOddEpoch, Generator? generator)
{
    private readonly long[] _shape = x.dim() < 2 ? x.shape : [1, .. x.shape[1..]];
    private readonly ScalarType _type = x.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>The noise's size.</summary>
    public Tensor Scale => scale;

    /// <summary>Whether the first, third, … epoch is running.</summary>
    public bool IsOddEpoch => isOddEpoch;

    /// <summary>N(0, 1)</summary>
    public Tensor Normal() => randn(_shape, _type, x.device, generator: generator);

    /// <summary>U(low, high)</summary>
    public Tensor Uniform(Tensor low, Tensor high) => low + (high - low) * rand(_shape, _type, x.device, generator: generator);

    /// <summary>U(center − size, center + size)</summary>
    public Tensor Around(Tensor center) => Uniform(center - scale, center + scale);

    /// <summary>N(1, s²) within [0, 2], where s ~ U(0, size).</summary>
    public Tensor Elastic()
    {
        var s = Uniform(0, scale).clamp_min(1e-6) * Math.Sqrt(2);
        var inside = (1 / s).erf();
        return (1 + s * Uniform(-inside, inside).erfinv()).clamp(0, 2);
    }

    /// <summary>N(0, size²) where that is between ½ and 1½; 1 elsewhere.</summary>
    public Tensor Gain()
    {
        var gain = Normal() * scale;
        return where((gain > 0.5) & (gain < 1.5), gain, 1);
    }
}
