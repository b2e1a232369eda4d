using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>Radial basis functions x ↦ exp(−(σ_k ‖x − c_k‖²)²), the reference's alternative first layer. (…, d) → (…, centres).</summary>
/// <remarks>State names: <c>centres</c> (centres, d), <c>sigmas</c> (centres), and <c>freq</c> (1, centres), which the reference has and
/// doesn't use.</remarks>
public sealed class RadialBasisLayer : Module<Tensor, Tensor>
{
    private readonly Parameter centres;
    private readonly Parameter sigmas;
#pragma warning disable CS0414 // It is in the state dict, and nowhere else.
    private readonly Parameter freq;
#pragma warning restore CS0414

    /// <summary>A layer with centres uniform in [−1, 1]^d and σ = 10.</summary>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public RadialBasisLayer(long inFeatures, long outFeatures = 1024, Generator? generator = null) : base(nameof(RadialBasisLayer))
    {
        Require.Positive(inFeatures, nameof(inFeatures));
        Require.Positive(outFeatures, nameof(outFeatures));
        centres = new Parameter(empty(outFeatures, inFeatures));
        FieldInitialization.Uniform(centres, 1, generator);
        sigmas = new Parameter(full([outFeatures], 10.0f));
        freq = new Parameter(full([1, outFeatures], (float)Math.PI));
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public override Tensor forward(Tensor x)
    {
        Require.LastAxis(x, centres.shape[1], nameof(x));
        using var scope = NewDisposeScope();
        var distances = (x.unsqueeze(-2) - centres).square().sum(-1) * sigmas;
        return distances.square().neg().exp().MoveToOuterDisposeScope();
    }
}
