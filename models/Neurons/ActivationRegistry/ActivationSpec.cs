using System.Collections.ObjectModel;
using System.Globalization;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>What the registry knows of an activation: a row of the table.</summary>
public sealed partial record ActivationSpec
{
    private readonly List<(string Text, Func<IReadOnlyDictionary<string, double>, bool> Holds)> _constraints = [];

    internal ActivationSpec(string name, ActivationCategory category, string section, string formula,
        IReadOnlyList<ActivationParameter> parameters) =>
        (Name, Category, Section, Formula, Parameters) = (name, category, section, formula, parameters);

    /// <summary>Its name in the registry.</summary>
    public string Name { get; }

    /// <summary>Fixed or adaptive.</summary>
    public ActivationCategory Category { get; }

    /// <summary>What it maps to what.</summary>
    public ActivationKind Kind { get; private init; }

    /// <summary>Its definition as text, e.g. <c>x/(x/a+exp(-x/b))</c>; <c>y</c> is a gate, <c>pair(…)</c> two outputs. What is computed is
    /// equal to it, but doesn't overflow where it does.</summary>
    public string Formula { get; }

    /// <summary>Its parameters, in the table's order.</summary>
    public IReadOnlyList<ActivationParameter> Parameters { get; }

    /// <summary>The survey's section.</summary>
    public string Section { get; }

    /// <summary>What else there is to know; empty: nothing.</summary>
    public string Note { get; private init; } = "";

    /// <summary>What its parameters must be, e.g. <c>0 &lt; b/a &lt; e</c>.</summary>
    public IReadOnlyList<string> Constraints => [.. _constraints.Select(c => c.Text)];

    /// <summary>Whether it does something else in training than in evaluation.</summary>
    public bool IsStochastic => Training is not null;

    /// <summary>The map.</summary>
    internal ActivationBody Body { get; private init; } = null!;

    /// <summary>The map in training, if that is another one.</summary>
    internal Func<Tensor, ActivationNoise, Tensor[], Tensor>? Training { get; private init; }

    /// <summary>The size of its noise.</summary>
    internal double? NoiseScale { get; private init; }

    /// <summary>Whether that can be trained.</summary>
    internal bool CanTrainScale { get; private init; }

    /// <summary>A map of the same values with a slope, where it has none itself.</summary>
    internal Func<Tensor, Tensor[], Tensor>? Smooth { get; private init; }

    /// <summary>The statistic of groups of numbers: (groups, numbers) → (groups).</summary>
    internal Func<Tensor, Tensor>? Statistic { get; private init; }

    /// <summary>Evaluates it, as in evaluation mode, with parameters that are numbers.</summary>
    /// <param name="x">Input, of any shape; vectors lie along its last axis, and pairs are put there.</param>
    /// <param name="parameters">Values by name; those left out are the defaults.</param>
    /// <param name="y">The second input of a gated activation, of x's shape.</param>
    /// <exception cref="ArgumentException">A parameter isn't there, breaks a constraint or isn't finite; or a second input is missing or
    /// has no use.</exception>
    public Tensor Evaluate(Tensor x, IReadOnlyDictionary<string, double>? parameters = null, Tensor? y = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (Kind == ActivationKind.Gated != y is not null)
            throw new ArgumentException($"{Name} takes {(y is null ? "two inputs" : "one input")}", nameof(y));
        using var scope = NewDisposeScope();
        Tensor[] values = [.. Values(parameters).Select(v => tensor(v, ScalarType.Float64))];
        return Finish(Body(x, y, Math.Max(0, x.dim() - 1), values), x).MoveToOuterDisposeScope();
    }

    /// <summary>A result in its input's type; never the input itself.</summary>
    internal static Tensor Finish(Tensor result, Tensor x) =>
        result.dtype != x.dtype ? result.to(x.dtype) : ReferenceEquals(result, x) ? x.alias() : result;

    /// <summary>The parameters' values, checked.</summary>
    internal double[] Values(IEnumerable<KeyValuePair<string, double>>? given)
    {
        var values = Parameters.ToDictionary(p => p.Name, p => p.Default);
        foreach (var (name, value) in given ?? [])
        {
            if (!values.ContainsKey(name))
                throw new ArgumentException(Parameters.Count == 0 ? $"{Name} has no parameters, '{name}' was given"
                    : $"{Name} has no parameter '{name}'; expected one of {string.Join(", ", values.Keys)}", "parameters");
            if (!double.IsFinite(value))
                throw new ArgumentOutOfRangeException("parameters", value, string.Create(CultureInfo.InvariantCulture,
                    $"{Name}'s {name} must be finite"));
            values[name] = value;
        }
        var all = new ReadOnlyDictionary<string, double>(values);
        foreach (var (text, holds) in _constraints)
            if (!holds(all))
                throw new ArgumentOutOfRangeException("parameters", string.Join(", ",
                    Parameters.Select(p => FormattableString.Invariant($"{p.Name}={values[p.Name]}"))), $"{Name} needs {text}");
        return [.. Parameters.Select(p => values[p.Name])];
    }
}
