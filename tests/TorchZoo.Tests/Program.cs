using TorchZoo.Tests.Training;

namespace TorchZoo.Tests;

/// <summary>
/// The command line of the scripts, with the recipes and papers of this assembly: how the tests see failures, signals and claims that no
/// real recipe should have. And the training that <see cref="KillTests"/> kills.
/// </summary>
internal static class Program
{
    private static int Main(string[] args) =>
        args is [KilledTraining.Command, ..] ? KilledTraining.Run(args.AsSpan(1)) : Scripts.Program.Main(args);
}
