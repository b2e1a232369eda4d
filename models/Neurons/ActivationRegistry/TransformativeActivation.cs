using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>α f(β x + γ) + δ with any activation f of single numbers; all four are trained. State names: <c>alpha</c>, <c>beta</c>,
/// <c>gamma</c>, <c>delta</c>, and those of f behind <c>inner.</c></summary>
/// <remarks>Source: Kunc and Kléma 2024, section 4.1 (transformative adaptive activation functions).</remarks>
public sealed class TransformativeActivation : Module<Tensor, Tensor>
{
    private static readonly (string Name, double Value)[] Start = [("alpha", 1), ("beta", 1), ("gamma", 0), ("delta", 0)];

    private readonly int _axis;

    /// <summary>Wraps an activation; at the start it is that activation.</summary>
    /// <param name="inner">f's name in the registry.</param>
    /// <param name="numParameters">How many numbers each of the four has: 1, or one a channel. f's own parameters have as many.</param>
    /// <param name="channelDim">The input's axis with the channels; negative: from the end. For inputs of fewer axes it is the last
    /// one.</param>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="ArgumentException">f isn't one of single numbers.</exception>
    public TransformativeActivation(string inner, long numParameters = 1, int channelDim = 1) : base(nameof(TransformativeActivation))
    {
        (Inner, _axis) = (ActivationWrapper.Create(inner, numParameters, channelDim, nameof(inner)), channelDim);
        foreach (var (name, value) in Start) register_parameter(name, new Parameter(full(numParameters, value)));
        register_module("inner", Inner);
    }

    /// <summary>f.</summary>
    public ParametricActivation Inner { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't of floating point, or its channels don't fit the parameters.</exception>
    public override Tensor forward(Tensor x)
    {
        ActivationWrapper.Check(x);
        using var scope = NewDisposeScope();
        Tensor Parameter(string name) => ActivationWrapper.Fitted(get_parameter(name)!, x, _axis);
        var y = Parameter("alpha") * Inner.call((Parameter("beta") * x + Parameter("gamma")).to(x.dtype)) + Parameter("delta");
        return ActivationSpec.Finish(y, x).MoveToOuterDisposeScope();
    }
}
