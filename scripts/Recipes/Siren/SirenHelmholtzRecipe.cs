using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The field of a source from the Helmholtz equation alone, or a medium from what receivers measure of such fields.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenHelmholtzRecipe : Recipe
{
    internal const string Name = "siren-helmholtz", ProblemNote = "problem", WavenumberNote = "wavenumber";

    internal const string Forward = "forward", Inverse = "inverse";

    internal static readonly string[] Problems = [Forward, Inverse];

    // Half a wave fits between the absorbing layers, and a wave has enough nodes of the grid to be seen.
    private const double Least = 3, Most = 40;

    private readonly Option<string> _problem = new("--problem")
    {
        Description = "What is sought: the field of a source (forward), or the medium from measurements of such fields (inverse)",
        DefaultValueFactory = _ => Forward,
    };

    private readonly Option<double?> _wavenumber = new("--wavenumber")
    {
        Description = "Wavenumber k [default: 10; 20 with --full]",
        HelpName = "K",
    };

    /// <summary>The recipe.</summary>
    public SirenHelmholtzRecipe() => _problem.AcceptOnlyFromAmong(Problems);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_problem, _wavenumber];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--problem", Inverse]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_problem) is Inverse ? Inverse : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) =>
        Experiment(context, context.Get(_problem)!, context.Get(_wavenumber)).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var (problem, wavenumber) = (context.Note(ProblemNote), context.Note(WavenumberNote));
        Experiment(context.WithSizeOfTraining(), problem, double.Parse(wavenumber, CultureInfo.InvariantCulture))
            .Evaluate(context.Checkpoint);
        return null;
    }

    private static HelmholtzExperiment Experiment(RecipeContext context, string problem, double? wavenumber)
    {
        context.RefuseData(Name);
        if (wavenumber is not (null or (>= Least and <= Most)))
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"--wavenumber: expected a number between {Least} and {Most}, got {wavenumber}."), "--wavenumber");
        return problem == Inverse ? new HelmholtzInverseExperiment(context, wavenumber)
            : new HelmholtzForwardExperiment(context, wavenumber);
    }
}
