namespace TorchZoo.Tests;

/// <summary>
/// The command line of the scripts, with the recipes and papers of this assembly: how the tests see failures, signals and claims that no
/// real recipe should have.
/// </summary>
internal static class Program
{
    private static int Main(string[] args) => Scripts.Program.Main(args);
}
