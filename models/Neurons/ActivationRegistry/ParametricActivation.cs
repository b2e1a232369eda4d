using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation of single numbers: x of any shape, any floating-point type, on any device → the same.</summary>
public class ParametricActivation : Activation
{
    internal ParametricActivation(ActivationSpec spec, ActivationSetup setup) : base(spec, setup)
    {
    }

    /// <summary>Whether gradients come from a smooth relative where the activation itself has none (RSign: ReActNet's parabolas). Values
    /// stay as they are.</summary>
    public bool UsesSurrogateGradient { get; set; }

    private protected override Tensor Evaluate(Tensor x, Tensor[] parameters)
    {
        var y = Spec.Body(x, null, 0, parameters);
        if (!UsesSurrogateGradient || Spec.Smooth is not { } smooth || !is_grad_enabled()) return y;
        var slope = smooth(x, parameters);
        return y.detach() + (slope - slope.detach());
    }
}
