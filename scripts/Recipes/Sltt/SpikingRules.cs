using TorchZoo.Models.Spiking;

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

    /// <summary>What it is called in tables.</summary>
    public static string Title(string name) => name switch
    {
        SlttK => $"SLTT-{BackwardSteps}",
        Bptt => "BPTT",
        _ => "SLTT",
    };
}
