using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Layers;

/// <summary>
/// Normalisation by the root mean square of the last axis: y = w x / √(mean x² + ε) (Zhang and Sennrich 2019, arXiv 1910.07467). State
/// name:
/// <c>weight</c>, as in PyTorch. 16-bit inputs are computed in float32; the output is of their type.
/// </summary>
public sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;
    private readonly double _epsilon;

    /// <summary>A layer with weights of 1.</summary>
    /// <param name="features">Size of the last axis.</param>
    /// <param name="epsilon">ε.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public RmsNorm(long features, double epsilon = 1e-6) : base(nameof(RmsNorm))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epsilon);
        (Features, _epsilon, _weight) = (features, epsilon, new Parameter(ones(features)));
        RegisterComponents();
    }

    /// <summary>Size of the last axis.</summary>
    public long Features { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis has another size.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Features)
            throw new ArgumentException($"expected (…, {Features}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        var wide = Autocast.ToFullPrecision(x);
        var scale = (wide.square().mean([-1], keepdim: true) + _epsilon).rsqrt();
        return (wide * scale * get_parameter("weight")!).to(x.dtype).MoveToOuterDisposeScope();
    }
}
