using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// ReLinear, the way to train quadratic networks: they begin as ordinary ones (<see cref="QuadraticInit.ReLinear"/>), and their quadratic
/// parts move slowly away (gradients shrunk by γ) or are drawn back (weights shrunk by α or β). With γ = 0 or α = 1 they stay ordinary;
/// γ = 1 is plain training. What is quadratic is known by the layers themselves (<see cref="QuadraticLayer"/>), not by names.
/// </summary>
/// <remarks>Source: Fan et al. 2021, section IV.</remarks>
public static class ReLinear
{
    /// <summary>The parameters of a network in three groups with rates of their own, for <c>SGD</c> or <c>FusedSgd</c>. There is no weight
    /// decay in the quadratic ones: it would close the gates. A schedule has to scale all groups, as those of the trainer do.</summary>
    /// <param name="module">A layer, or a network.</param>
    /// <param name="lr">The ordinary parameters' learning rate, ≥ 0.</param>
    /// <param name="gammaG">γ of the gates w^g, b^g: their learning rate is γ · lr. The deeper the network the smaller: 0.1 will do for 3
    /// layers, not for 10.</param>
    /// <param name="gammaB">γ of the squares w^b, b^b.</param>
    /// <returns>Groups; null: nothing is in it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public static (SGD.ParamGroup? Ordinary, SGD.ParamGroup? G, SGD.ParamGroup? B) ParameterGroups(Module module, double lr,
        double gammaG = 0.01, double gammaB = 0.01)
    {
        ArgumentNullException.ThrowIfNull(module);
        NonNegative(lr, nameof(lr));
        NonNegative(gammaG, nameof(gammaG));
        NonNegative(gammaB, nameof(gammaB));
        var (ordinary, gates, squares) = Split(module);
        return (Group(ordinary, lr, null), Group(gates, lr * gammaG, 0), Group(squares, lr * gammaB, 0));

        static SGD.ParamGroup? Group(IReadOnlyList<Parameter> parameters, double rate, double? decay) => parameters.Count == 0 ? null
            : new SGD.ParamGroup(parameters, new SGD.Options { LearningRate = rate, weight_decay = decay });
    }

    /// <summary>Draws the quadratic parts to those of an ordinary layer, w^g = 0, b^g = 1, w^b = 0, b^b = 0, in place: after each
    /// update.</summary>
    /// <param name="module">A layer, or a network.</param>
    /// <param name="alpha">α in [0, 1] of <see cref="ShrinkNorm.L2"/>, or β ≥ 0 of <see cref="ShrinkNorm.L1"/>.</param>
    /// <param name="norm">How.</param>
    /// <exception cref="ArgumentOutOfRangeException">α or β is out of its range.</exception>
    public static void Shrink(Module module, double alpha, ShrinkNorm norm)
    {
        ArgumentNullException.ThrowIfNull(module);
        CheckShrink(alpha, norm, nameof(alpha));
        using var off = no_grad();
        foreach (var (_, layer) in Layers(module))
        {
            if (layer.Gate is { } gate) Draw(gate, 1);
            Draw(layer.Square, 0);
        }

        void Draw((Parameter Weight, Parameter Bias) part, double bias)
        {
            Toward(part.Weight, 0);
            Toward(part.Bias, bias);
        }

        void Toward(Parameter parameter, double end)
        {
            using var scope = NewDisposeScope();
            if (norm == ShrinkNorm.L1) parameter.copy_(nn.functional.softshrink(parameter - end, alpha) + end);
            else parameter.lerp_(full_like(parameter, end), full_like(parameter, alpha));
        }
    }

    /// <summary>How quadratic the layers have become, in the order of the network.</summary>
    /// <param name="module">A layer, or a network.</param>
    public static IReadOnlyList<QuadraticNorm> QuadraticNorm(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return [.. Layers(module).Select(l =>
            new QuadraticNorm(l.Name, l.Layer.Gate is { } gate ? Norm(gate, 1) : 0, Norm(l.Layer.Square, 0)))];

        static double Norm((Parameter Weight, Parameter Bias) part, double bias) => Math.Sqrt(
            (part.Weight.to(ScalarType.Float64).square().sum() + (part.Bias.to(ScalarType.Float64) - bias).square().sum()).item<double>());
    }

    internal static (IReadOnlyList<Parameter> Ordinary, IReadOnlyList<Parameter> Gates, IReadOnlyList<Parameter> Squares) Split(
        Module module)
    {
        QuadraticLayer[] layers = [.. Layers(module).Select(l => l.Layer)];
        Parameter[] gates = [.. layers.Select(l => l.Gate).OfType<(Parameter Weight, Parameter Bias)>().SelectMany(Both)];
        Parameter[] squares = [.. layers.Select(l => l.Square).SelectMany(Both)];
        var quadratic = gates.Concat(squares).Select(p => p.Handle).ToHashSet();
        return ([.. module.parameters().Where(p => !quadratic.Contains(p.Handle))], gates, squares);

        static Parameter[] Both((Parameter Weight, Parameter Bias) part) => [part.Weight, part.Bias];
    }

    internal static void NonNegative(double value, string name)
    {
        if (!(value >= 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(name, value, "must be a number ≥ 0");
    }

    internal static void CheckShrink(double alpha, ShrinkNorm norm, string name)
    {
        if (!Enum.IsDefined(norm)) throw new ArgumentOutOfRangeException(nameof(norm), norm, "is no norm");
        NonNegative(alpha, name);
        if (norm == ShrinkNorm.L2 && alpha > 1) throw new ArgumentOutOfRangeException(name, alpha, "must be in [0, 1]");
    }

    private static IEnumerable<(string Name, QuadraticLayer Layer)> Layers(Module module) =>
        module.named_modules().Select(m => (m.name, m.module)).Prepend(("", module)).Where(m => m.Item2 is QuadraticLayer)
            .Select(m => (m.Item1, (QuadraticLayer)m.Item2)).DistinctBy(m => m.Item2);
}
