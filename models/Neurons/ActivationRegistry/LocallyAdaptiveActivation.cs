using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>f(n a x) with any activation f of single numbers: a is trained, from 1/n on, and a larger n lets it learn faster. State names:
/// <c>a</c>, and those of f behind <c>inner.</c></summary>
/// <remarks>Source: Kunc and Kléma 2024, section 4.16 (locally adaptive activation functions).</remarks>
public sealed class LocallyAdaptiveActivation : Module<Tensor, Tensor>
{
    private readonly int _axis;

    /// <summary>Wraps an activation; at the start it is that activation.</summary>
    /// <param name="inner">f's name in the registry.</param>
    /// <param name="n">n, positive; the authors take 1 to 20.</param>
    /// <param name="numParameters">How many a there are: 1, or one a channel. f's own parameters have as many.</param>
    /// <param name="channelDim">The input's axis with the channels; negative: from the end. For inputs of fewer axes it is the last
    /// one.</param>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="ArgumentException">f isn't one of single numbers, or n isn't positive.</exception>
    public LocallyAdaptiveActivation(string inner, double n, long numParameters = 1, int channelDim = 1)
        : base(nameof(LocallyAdaptiveActivation))
    {
        if (!(n > 0) || !double.IsFinite(n)) throw new ArgumentOutOfRangeException(nameof(n), n, "Expected a positive number");
        (Inner, N, _axis) = (ActivationWrapper.Create(inner, numParameters, channelDim, nameof(inner)), n, channelDim);
        register_parameter("a", new Parameter(full(numParameters, 1 / n)));
        register_module("inner", Inner);
    }

    /// <summary>f.</summary>
    public ParametricActivation Inner { get; }

    /// <summary>n.</summary>
    public double N { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't of floating point, or its channels don't fit the parameters.</exception>
    public override Tensor forward(Tensor x)
    {
        ActivationWrapper.Check(x);
        using var scope = NewDisposeScope();
        var slope = N * ActivationWrapper.Fitted(get_parameter("a")!, x, _axis);
        return Inner.call((slope * x).to(x.dtype)).MoveToOuterDisposeScope();
    }
}
