using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A signed distance function from points with normals, in the plane or in space.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenSdfRecipe : Recipe
{
    internal const string Name = "siren-sdf";

    private const int Points2d = 2000, Points3d = 20_000;

    private readonly Option<string> _shape = new("--shape")
    {
        Description = $"What to learn: {string.Join(", ", SdfShape.Names)}",
        DefaultValueFactory = _ => SdfShape.Names[0],
    };

    private readonly Option<string?> _points = SirenRecipe.FileOption("--points",
        "Points with normals in space instead of a shape: .xyz, .ply or .obj");

    /// <summary>The recipe.</summary>
    public SirenSdfRecipe() => _shape.AcceptOnlyFromAmong(SdfShape.Names);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_shape, _points];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) =>
        arguments.GetValue(_points) is { } path ? Path.GetFileNameWithoutExtension(path)
        : arguments.GetValue(_shape) is var s && s == SdfShape.Names[0] ? null : s;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context, context.Get(_shape)!).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var shape = context.Note("shape");
        if (!SdfShape.Names.Contains(shape) && PathOf(context) is null)
            throw new ArgumentException($"{context.Checkpoint.Path} was trained on {shape}; give that file with --points.", "--points");
        Experiment(context.WithSizeOfTraining(), shape).Evaluate(context.Checkpoint);
        return null;
    }

    private string? PathOf(RecipeContext context) => context.Get(_points) ?? context.Data;

    private SdfExperiment Experiment(RecipeContext context, string shape) => new(context, PathOf(context) is { } path ? SdfShape.Load(path)
        : SdfShape.Named(shape, shape == SdfShape.Names[0] ? Points2d : Points3d, context.Seed));
}
