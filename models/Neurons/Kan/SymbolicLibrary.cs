using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Functions that an edge may turn out to be, with the reference's complexities.</summary>
public static class SymbolicLibrary
{
    /// <summary>All of them, the simplest ones first.</summary>
    public static IReadOnlyList<SymbolicFunction> All { get; } =
    [
        new("0", 0, x => x * 0, _ => "0"),
        Power(1, 1),
        Power(2, 2),
        Power(-1, 2),
        Named("sqrt", 2, x => x.sqrt()),
        new("1/sqrt(x)", 2, x => x.rsqrt(), x => $"1/sqrt({x})"),
        Named("exp", 2, x => x.exp()),
        Named("log", 2, x => x.log()),
        Named("sin", 2, x => x.sin()),
        Named("cos", 2, x => x.cos()),
        Power(3, 3),
        Power(4, 3),
        Power(5, 3),
        Power(-2, 3),
        Power(-3, 3),
        Named("abs", 3, x => x.abs()),
        Named("tan", 3, x => x.tan()),
        Named("tanh", 3, x => x.tanh()),
        Named("sgn", 3, x => x.sign()),
        new("gaussian", 3, x => (-x.square()).exp(), x => $"exp(-({x})^2)"),
        Named("arcsin", 4, x => x.asin()),
        Named("arccos", 4, x => x.acos()),
        Named("arctan", 4, x => x.atan()),
        Named("arctanh", 4, x => x.atanh()),
        new("x^1.5", 4, x => x.pow(1.5), x => $"({x})^1.5"),
        Power(-4, 4),
        Power(-5, 4),
    ];

    /// <summary>The function of a name.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    /// <exception cref="ArgumentException">There is none; the message lists the names.</exception>
    public static SymbolicFunction Find(string name) => Find(name, nameof(name));

    internal static SymbolicFunction Find(string name, string parameter) => All.FirstOrDefault(f => f.Name == name)
        ?? throw new ArgumentException($"Expected one of {string.Join(", ", All.Select(f => f.Name))}, got '{name}'", parameter);

    private static SymbolicFunction Named(string name, int complexity, Func<Tensor, Tensor> apply) =>
        new(name, complexity, apply, x => $"{name}({x})");

    private static SymbolicFunction Power(int n, int complexity)
    {
        var name = n switch { 1 => "x", > 0 => $"x^{n}", -1 => "1/x", _ => $"1/x^{-n}" };
        return new(name, complexity, n switch
        {
            1 => x => x * 1,
            2 => x => x.square(),
            -1 => x => x.reciprocal(),
            _ => x => x.pow(n),
        }, n switch
        {
            1 => x => x,
            > 0 => x => $"({x})^{n}",
            -1 => x => $"1/({x})",
            _ => x => $"1/({x})^{-n}",
        })
        { Power = n };
    }
}
