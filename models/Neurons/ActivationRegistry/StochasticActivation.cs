using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation with noise while it is trained: a random number for each neuron and call, the same for all examples along the
/// first axis (inputs of a single axis are one example). In evaluation it is its own mean.</summary>
public sealed class StochasticActivation : ParametricActivation
{
    private const string ScaleName = "s";

    private readonly Generator? _generator;
    private double _scale;

    internal StochasticActivation(ActivationSpec spec, ActivationSetup setup) : base(spec, setup)
    {
        (_generator, _scale) = (setup.Generator, spec.NoiseScale ?? double.NaN);
        if (spec.CanTrainScale && setup.Trainable == true)
            register_parameter(ScaleName, new Parameter(full(setup.Shape, _scale, setup.Type, setup.Device)));
    }

    /// <summary>The noise's size: the standard deviation of what is added, or how far a factor is from its mean at most. NaN where the
    /// parameters say it. ProbActReLU's is trained if everything is; then it is the state's <c>s</c>, and this is where it began.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative or not finite.</exception>
    public double NoiseScale
    {
        get => _scale;
        set => _scale = double.IsFinite(value) && value >= 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Expected a size of noise");
    }

    /// <summary>The epoch, from 1: AlternatingRePU does one thing in odd and another in even ones.</summary>
    public long Epoch { get; set; } = 1;

    private protected override Tensor Evaluate(Tensor x, Tensor[] parameters)
    {
        if (!training) return base.Evaluate(x, parameters);
        var scale = get_parameter(ScaleName) is { } trained ? Fitted(trained, x) : tensor(_scale, ScalarType.Float64);
        return Spec.Training!(x, new ActivationNoise(x, scale, Epoch % 2 != 0, _generator), parameters);
    }
}
