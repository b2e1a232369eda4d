using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation that gives two numbers for one, such as CReLU: first ones and second ones one behind the other along
/// <see cref="Activation.ChannelDim"/>, which becomes twice as long. OPLU sorts pairs of neighbours there and keeps the size, which must be
/// even.</summary>
public sealed class MultiOutputActivation : Activation
{
    internal MultiOutputActivation(ActivationSpec spec, ActivationSetup setup) : base(spec, setup)
    {
    }

    private protected override Tensor Evaluate(Tensor x, Tensor[] parameters) => Spec.Body(x, null, AxisOf(x), parameters);
}
