using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Sparse Transformers against a dense and a local-only one of the same size, at the same number of steps: on a task that takes a
/// long reach, on text, and on images as sequences of pixels.</summary>
[Recipe(Name)]
public sealed class SparseTransformerRecipe : Recipe
{
    internal const string Name = "sparse-transformer";

    private readonly Option<string?> _task = new("--task")
    {
        Description = $"What to learn: {string.Join(", ", SequenceTask.Names)} (default: {SequenceTask.Copy})",
    };

    private readonly Option<string?> _text = new("--text")
    {
        Description = "Learn the bytes of this file, which may be compressed with gzip",
        HelpName = "FILE",
    };

    private readonly Option<string?> _prompt = new("--prompt") { Description = "With the command sample: how the text begins" };

    private readonly Option<double> _temperature = new("--temperature")
    {
        Description = "With the command sample: how bold the draws are; 0: always the likeliest token",
        DefaultValueFactory = _ => 0.8,
    };

    private readonly Option<int> _count = new("--count")
    {
        Description = "With the command sample: how many tokens, or images",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>The recipe.</summary>
    public SparseTransformerRecipe()
    {
        _task.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => !SequenceTask.Names.Contains(t.Value)))
                result.AddError($"--task takes {string.Join(", ", SequenceTask.Names)}.");
        });
        _text.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(t => !File.Exists(t.Value)) is { } missing)
                result.AddError($"--text: there is no file '{missing.Value}'.");
        });
        _temperature.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => !double.TryParse(t.Value, CultureInfo.InvariantCulture, out var x) || !(x is >= 0 and <= 100)))
                result.AddError("--temperature takes a number from 0 to 100.");
        });
        _count.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => !int.TryParse(t.Value, CultureInfo.InvariantCulture, out var x) || x < 1))
                result.AddError("--count takes a number from 1.");
        });
    }

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_task, _text, _prompt, _temperature, _count];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims =>
        [[], ["--task", SequenceTask.Text], ["--task", SequenceTask.Images]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => NameOf(arguments) is var name && name == SequenceTask.Copy ? null : name;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var task = Task(context, NameOf(context.Arguments));
        return new SequenceExperiment(context, task).Run();
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var task = Task(context.WithSizeAndSeedOfTraining(), context.Note(SequenceTask.NoteName));
        new SequenceExperiment(context, task).Evaluate(context.Checkpoint);
        return null;
    }

    /// <inheritdoc/>
    public override void Sample(EvaluateContext context)
    {
        var name = context.Note(SequenceTask.NoteName);
        var sampling = new SequenceSampling(context.Get(_prompt), context.Get(_temperature),
            context.Get(_count) is > 0 and var count ? count : null);
        SequenceSamples.Draw(context, name, context.Checkpoint, sampling);
    }

    private string NameOf(ParseResult arguments) =>
        arguments.GetValue(_task) ?? (arguments.GetValue(_text) is null ? SequenceTask.Copy : SequenceTask.Text);

    private SequenceTask Task(RecipeContext context, string name)
    {
        if (context.Get(_text) is { } file) context = context with { Data = file };
        return name switch
        {
            SequenceTask.Text => new TextTask(context),
            SequenceTask.Images => new PixelTask(context),
            SequenceTask.Copy => new CopyTask(context),
            _ => throw new ArgumentException($"expected {string.Join(", ", SequenceTask.Names)}, got '{name}'", nameof(name)),
        };
    }
}
