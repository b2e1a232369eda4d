using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A wave from its equation and its beginning alone.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenWaveRecipe : Recipe
{
    internal const string Name = "siren-wave", SpeedNote = "speed";

    private readonly Option<double> _speed = new("--speed")
    {
        Description = "Speed c of the waves in u_tt = c²Δu",
        HelpName = "C",
        DefaultValueFactory = _ => 1,
    };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_speed];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context, context.Get(_speed)).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var speed = context.Note(SpeedNote);
        Experiment(context.WithSizeOfTraining(), double.Parse(speed, CultureInfo.InvariantCulture)).Evaluate(context.Checkpoint);
        return null;
    }

    private static WaveExperiment Experiment(RecipeContext context, double speed)
    {
        context.RefuseData(Name);
        var experiment = new WaveExperiment(context, speed);
        return speed > 0 && speed <= experiment.LargestSpeed ? experiment : throw new ArgumentException(string.Create(
            CultureInfo.InvariantCulture,
            $"--speed: expected a positive number up to {experiment.LargestSpeed:0.##}, got {speed}; faster waves leave the square."),
            "--speed");
    }
}
