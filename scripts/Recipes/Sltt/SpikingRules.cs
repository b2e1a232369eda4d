using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Models.Spiking;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The training rules of the recipe, by their names on the command line.</summary>
internal static class SpikingRules
{
    public const string Sltt = "sltt", SlttK = "sltt-k", Bptt = "bptt";

    // K of sltt-k.
    private const int BackwardSteps = 2;

    public static string[] Names { get; } = [Sltt, SlttK, Bptt];

    /// <summary>The rule of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="timeSteps">T</param>
    /// <param name="loss">The loss of a time step; null: the usual one.</param>
    public static SpikingTraining Create(string name, int timeSteps, SpikingLoss? loss = null)
    {
        loss ??= new SpikingLoss();
        return name switch
        {
            SlttK => new SlttK(Math.Min(BackwardSteps, timeSteps)) { TimeSteps = timeSteps, Loss = loss },
            Bptt => new Bptt { TimeSteps = timeSteps, Loss = loss },
            _ => new Sltt { TimeSteps = timeSteps, Loss = loss },
        };
    }

    /// <summary>Writes a checkpoint's accuracy on a data set.</summary>
    /// <param name="context">The run.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="network">Its network.</param>
    /// <param name="rule">The rule that trained it.</param>
    /// <param name="title">What the data are called.</param>
    /// <param name="test">The data.</param>
    public static void Evaluate(RecipeContext context, Checkpoint checkpoint, SpikingNetwork network, string rule, string title, IDataset test)
    {
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(null) with { EvaluationBatchSize = 100 })
        {
            Step = Create(rule, network.TimeSteps),
        };
        context.Output.Table(title, ["network", "trained by", "test accuracy"],
            [[checkpoint.ModelName!, Title(rule), trainer.Evaluate(test)["accuracy"]]]);
    }

    /// <summary>What it is called in tables.</summary>
    public static string Title(string name) => name switch
    {
        SlttK => $"SLTT-{BackwardSteps}",
        Bptt => "BPTT",
        _ => "SLTT",
    };
}
