using TorchZoo.Tests.Distributed;
using TorchZoo.Tests.Training;

namespace TorchZoo.Tests;

/// <summary>
/// The command line of the scripts, with the recipes and papers of this assembly: how the tests see failures, signals and claims that no
/// real recipe should have. And the training that <see cref="KillTests"/> kills, and the
/// processes of the tests' MPI jobs.
/// </summary>
internal static class Program
{
    private static int Main(string[] args) =>
        args switch
        {
            [KilledTraining.Command, ..] => KilledTraining.Run(args.AsSpan(1)),
            [MpiWorker.Command, ..] => MpiWorker.Run(args.AsSpan(1)),
            _ => Scripts.Program.Main(args),
        };
}
