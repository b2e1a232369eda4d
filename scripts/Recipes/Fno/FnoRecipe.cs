using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// The Fourier neural operator on the paper's three equations, against a baseline of the same run, at the resolution that it was trained at
/// and at others.
/// </summary>
[Recipe("fno")]
public sealed class FnoRecipe : Recipe
{
    private static readonly string[] Equations = ["burgers", "darcy", "navier-stokes"];

    private readonly Option<string> _equation = new("--equation")
    {
        Description = $"The differential equation: {string.Join(", ", Equations)}",
        DefaultValueFactory = _ => Equations[0],
    };

    private readonly OperatorFileOptions _file = new();

    /// <summary>The recipe.</summary>
    public FnoRecipe() => _equation.AcceptOnlyFromAmong(Equations);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_equation, .. _file.All];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [.. Equations.Select(e => (string[])["--equation", e])];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_equation) is var e && e == Equations[0] ? null : e;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context.Get(_equation)!, context).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var checkpoint = context.Checkpoint;
        if (!checkpoint.Notes.TryGetValue("equation", out var equation))
            throw new InvalidDataException($"{checkpoint.Path} does not say on which equation it was trained; was it written by this recipe?");
        // The test set is the one that the run kept from training: of its size and seed, whatever this command line says.
        return Experiment(equation, context.WithSizeAndSeedOfTraining()).Evaluate(checkpoint);
    }

    private FnoExperiment Experiment(string equation, RecipeContext context) => equation switch
    {
        "burgers" => new BurgersExperiment(context, _file),
        "darcy" => new DarcyExperiment(context, _file),
        "navier-stokes" => new NavierStokesExperiment(context, _file),
        _ => throw new ArgumentException($"Unknown equation '{equation}'; there are {string.Join(", ", Equations)}", nameof(equation)),
    };
}
