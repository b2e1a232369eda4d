using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Spiking networks trained without gradients through time: what is lost, and what is saved.</summary>
[Recipe(Name)]
public sealed class SlttRecipe : Recipe
{
    internal const string Name = "sltt";

    private readonly Option<string> _rule = new("--rule")
    {
        Description = "The rule that the checkpoint is trained by: sltt, sltt-k (backward passes of 2 time steps) or bptt; the others are "
            + "trained for comparison",
        DefaultValueFactory = _ => SpikingRules.Sltt,
    };

    private readonly Option<string> _dataset = new("--dataset")
    {
        Description = "fashion-mnist, digits (the small ones that come with the recipes), or events: shapes that move before an event "
            + "camera, or with --data the recordings in a folder: that of DVS128 Gesture, or folders named after classes, as those of CIFAR10-DVS, "
            + "perhaps in folders train and test, with .aedat, .npz or .npy files",
        DefaultValueFactory = _ => SpikingImages.FashionMnist,
    };

    private readonly Option<double> _tau = new("--tau")
    {
        Description = "Time constant of the neurons, in time steps; on moving shapes 5 is compared with it",
        DefaultValueFactory = _ => 1.1,
    };

    private readonly Option<bool> _costs = new("--costs") { Description = "Measure memory and time by the number of time steps instead" };

    private readonly Option<bool> _gradients = new("--gradients")
    {
        Description = "Compare the gradients of SLTT and BPTT by the time constant instead",
    };

    private readonly Option<string?> _probe = new("--probe") { Hidden = true };

    /// <summary>The recipe.</summary>
    public SlttRecipe()
    {
        _rule.AcceptOnlyFromAmong(SpikingRules.Names);
        _dataset.AcceptOnlyFromAmong([.. SpikingImages.Names, SpikingEvents.Name]);
        _tau.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not >= 1) result.AddError("--tau takes a number of at least 1.");
        });
    }

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_rule, _dataset, _tau, _costs, _gradients, _probe];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--costs"], ["--gradients"], ["--dataset", SpikingEvents.Name]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_costs) ? "costs"
        : arguments.GetValue(_gradients) ? "gradients"
        : (arguments.GetValue(_rule), arguments.GetValue(_dataset)) switch
        {
            (SpikingRules.Sltt, SpikingEvents.Name) => SpikingEvents.Name,
            (var rule, SpikingEvents.Name) => $"{SpikingEvents.Name}-{rule}",
            (SpikingRules.Sltt, _) => null,
            var (rule, _) => rule,
        };

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        if (context.Get(_probe) is { } probe) return SpikingMemoryProbe.Measure(probe);
        if (context.Get(_costs)) return new SpikingCostExperiment(context).Run();
        if (context.Get(_dataset) == SpikingEvents.Name)
        {
            if (context.Get(_gradients))
                throw new ArgumentException("--gradients compares gradients on images: fashion-mnist or digits.", "--dataset");
            return new SpikingEventExperiment(context, context.Get(_rule)!, context.Get(_tau)).Run();
        }
        return context.Get(_gradients)
            ? new SpikingGradientExperiment(context, context.Get(_dataset)!).Run()
            : new SpikingTrainingExperiment(context, context.Get(_rule)!, context.Get(_dataset)!, context.Get(_tau)).Run();
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        if (context.Note("dataset") == SpikingEvents.Name)
        {
            new SpikingEventExperiment(context.WithSizeAndSeedOfTraining(), context.Note("rule"),
                context.Get(_tau)).Evaluate(context.Checkpoint);
            return null;
        }
        new SpikingTrainingExperiment(context.WithSizeOfTraining(), context.Note("rule"), context.Note("dataset"), context.Get(_tau))
            .Evaluate(context.Checkpoint);
        return null;
    }
}
