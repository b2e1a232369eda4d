using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <content>The words of the table: how a row is declared. A map's arguments are the input and then the parameters, in the row's
/// order.</content>
public sealed partial record ActivationSpec
{
    internal ActivationSpec Computes(Func<Tensor, Tensor> f) => As((x, _, _, _) => f(x));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor> f) => As((x, _, _, p) => f(x, p[0]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor> f) => As((x, _, _, p) => f(x, p[0], p[1]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor> f) => As((x, _, _, p) => f(x, p[0], p[1], p[2]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4], p[5]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4], p[5], p[6]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]));

    internal ActivationSpec Computes(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]));

    internal ActivationSpec Computes(
        Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, _, p) => f(x, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9]));

    internal ActivationSpec Gates(Func<Tensor, Tensor, Tensor> f) => As((x, y, _, _) => f(x, y!), ActivationKind.Gated);

    internal ActivationSpec Gates(Func<Tensor, Tensor, Tensor, Tensor> f) => As((x, y, _, p) => f(x, y!, p[0]), ActivationKind.Gated);

    internal ActivationSpec AlongAxis(Func<Tensor, long, Tensor> f) => As((x, _, axis, _) => f(x, axis), ActivationKind.Vector);

    internal ActivationSpec AlongAxis(Func<Tensor, long, Tensor, Tensor> f) =>
        As((x, _, axis, p) => f(x, axis, p[0]), ActivationKind.Vector);

    internal ActivationSpec Splits(Func<Tensor, long, Tensor> f) => As((x, _, axis, _) => f(x, axis), ActivationKind.Multi);

    internal ActivationSpec Splits(Func<Tensor, long, Tensor, Tensor, Tensor> f) =>
        As((x, _, axis, p) => f(x, axis, p[0], p[1]), ActivationKind.Multi);

    internal ActivationSpec Splits(Func<Tensor, long, Tensor, Tensor, Tensor, Tensor, Tensor> f) =>
        As((x, _, axis, p) => f(x, axis, p[0], p[1], p[2], p[3]), ActivationKind.Multi);

    internal ActivationSpec Noted(string note) => this with { Note = note };

    internal ActivationSpec Requires(string text, Func<IReadOnlyDictionary<string, double>, bool> holds)
    {
        _constraints.Add((text, holds));
        return this;
    }

    internal ActivationSpec Positive(params string[] names) => Each(names, "> 0", v => v > 0);

    internal ActivationSpec NonNegative(params string[] names) => Each(names, ">= 0", v => v >= 0);

    internal ActivationSpec NonZero(params string[] names) => Each(names, "!= 0", v => v != 0);

    // What it does in training, with noise of a size.
    internal ActivationSpec InTraining(Func<Tensor, ActivationNoise, Tensor> f, double? scale = null, bool canTrainScale = false) =>
        this with { Training = (x, noise, _) => f(x, noise), NoiseScale = scale, CanTrainScale = canTrainScale };

    internal ActivationSpec InTraining(Func<Tensor, ActivationNoise, Tensor, Tensor> f, double? scale = null) =>
        this with { Training = (x, noise, p) => f(x, noise, p[0]), NoiseScale = scale };

    internal ActivationSpec InTraining(Func<Tensor, ActivationNoise, Tensor, Tensor, Tensor> f, double? scale = null) =>
        this with { Training = (x, noise, p) => f(x, noise, p[0], p[1]), NoiseScale = scale };

    // Another map for gradients alone.
    internal ActivationSpec Surrogate(Func<Tensor, Tensor, Tensor> f) => this with { Smooth = (x, p) => f(x, p[0]) };

    // How its statistic comes from numbers: (groups, numbers) to (groups).
    internal ActivationSpec Measures(Func<Tensor, Tensor> statistic) => this with { Statistic = statistic };

    private ActivationSpec As(ActivationBody body, ActivationKind kind = ActivationKind.Pointwise) =>
        this with { Body = body, Kind = kind };

    private ActivationSpec Each(string[] names, string condition, Func<double, bool> holds)
    {
        foreach (var name in names) Requires($"{name} {condition}", p => holds(p[name]));
        return this;
    }
}
