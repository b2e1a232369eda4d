using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>A dense layer with one of the baselines' activations, or none. (…, in) → (…, out).</summary>
internal sealed class ActivationLayer : FieldLayer
{
    private readonly Func<Tensor, Tensor> _activation;

    public ActivationLayer(long inFeatures, long outFeatures, string activation, bool bias = true)
        : base(nameof(ActivationLayer), inFeatures, outFeatures, bias) =>
        _activation = Activations.Named(activation, nameof(activation));

    internal override Tensor Activate(Tensor z) => _activation(z);
}
