using TorchZoo.Models.Compression;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Recipes;

/// <summary>How the zeros of a network come about.</summary>
internal static class TrainingMethods
{
    public const string Fixed = "fixed", Gradual = "gradual", RigL = "rigl";

    public static string[] Names { get; } = [Fixed, Gradual, RigL];

    /// <summary>What it does, in words.</summary>
    public static string Describe(string method) => method switch
    {
        Gradual => "zeros by magnitude, more and more",
        RigL => "zeros that move",
        _ => "zeros drawn at random",
    };

    /// <summary>The sparsity to begin with. Below a half sparse layers take longer than dense ones.</summary>
    public static double Initial(string method, double sparsity) => method == Gradual ? Math.Min(0.5, sparsity / 2) : sparsity;

    /// <summary>What changes the zeros while training; null: nothing does.</summary>
    /// <param name="method">One of <see cref="Names"/>.</param>
    /// <param name="sparsity">In the end.</param>
    /// <param name="steps">Steps of the training.</param>
    public static TrainerCallback? Callback(string method, double sparsity, long steps) => method switch
    {
        // Half of the run is left to recover, and for the gain in speed.
        Gradual => new GradualPruning(new PruningSchedule(
            sparsity, 0, Math.Max(1, steps / 2), Math.Max(1, steps / 50), Initial(method, sparsity))),
        RigL => new RigL(every: (int)Math.Max(2, steps / 30)),
        _ => null,
    };
}
