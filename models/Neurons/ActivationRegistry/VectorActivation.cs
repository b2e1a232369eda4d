using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation of whole vectors, such as softmax: they lie along <see cref="Activation.ChannelDim"/>. Results have the input's
/// shape.</summary>
public sealed class VectorActivation : Activation
{
    internal VectorActivation(ActivationSpec spec, ActivationSetup setup) : base(spec, setup)
    {
    }

    private protected override Tensor Evaluate(Tensor x, Tensor[] parameters) => Spec.Body(x, null, AxisOf(x), parameters);
}
