using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Nonlinear recurrences in parallel over the sequence: how Newton's method converges, how fast the kernels are, what the cells
/// learn that linear ones can't, and a language model.</summary>
[Recipe(Name)]
public sealed class ParaRnnRecipe : Recipe
{
    internal const string Name = "pararnn";

    private const string Newton = "newton", Speed = "speed", Parity = "parity", Language = "language";

    private readonly Option<string?> _only = new("--only")
    {
        Description = "One of the four parts: newton (error after each iteration), speed (against an eager loop), parity (of 512 bits, by "
            + "nets trained on 16), language (bytes of the King James Bible)",
        HelpName = "PART",
    };

    private readonly Option<string> _cell = new("--cell")
    {
        Description = "The language model's recurrence: gru or lstm",
        DefaultValueFactory = _ => "gru",
    };

    private readonly Option<int?> _length = new("--length")
    {
        Description = "Instead, a training step of the language model on so many bytes in one piece, and its memory; e.g. 65536",
        HelpName = "BYTES",
    };

    /// <summary>The recipe.</summary>
    public ParaRnnRecipe()
    {
        _only.AcceptOnlyFromAmong(Newton, Speed, Parity, Language);
        _cell.AcceptOnlyFromAmong("gru", "lstm");
        _length.Validators.Add(result =>
        {
            if (!result.Errors.Any() && result.GetValueOrDefault<int?>() is { } length && length < LengthExperiment.Shortest)
                result.AddError($"--length takes a number from {LengthExperiment.Shortest}.");
        });
    }

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_only, _cell, _length];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--length", "65536"]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments)
    {
        string?[] parts = [arguments.GetValue(_length) is null ? arguments.GetValue(_only) : "length",
            arguments.GetValue(_cell) == "gru" ? null : arguments.GetValue(_cell)];
        return parts.Any(p => p is not null) ? string.Join('-', parts.OfType<string>()) : null;
    }

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        var cell = LanguageModels.CellOf(context.Get(_cell)!);
        if (context.Get(_length) is { } length) return new LengthExperiment(context, cell, length).Run();
        if (context.Data is not null && context.Get(_only) is { } only and not Language)
            throw new ArgumentException($"--data is a text for the language model; --only {only} needs none.", "--data");
        var claims = new List<Claim>();
        foreach (var part in context.Get(_only) is { } one ? [one] : new[] { Speed, Newton, Parity, Language })
            claims.Add(part switch
            {
                Newton => new NewtonExperiment(context).Run(),
                Speed => new RecurrenceSpeedExperiment(context).Run(),
                Parity => new ParityExperiment(context).Run(),
                _ => new LanguageExperiment(context, cell).Run(),
            });
        return claims[0] with { Conditions = [.. claims.SelectMany(c => c.Conditions)] };
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        new LanguageExperiment(context.WithSizeAndSeedOfTraining(), null).Evaluate(context.Checkpoint);
        return null;
    }
}
