using System.Globalization;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

/// <summary>Real processes that are killed without notice, again and again, and go on from what they left on the disk.</summary>
[Platform(Exclude = "Win")]
public class KillTests
{
    private const int Chains = 2, KillsOfAChain = 10;
    private static readonly string[] Files = ["best.pt", "last.pt"];

    [Test, Category("Slow")]
    public void AKilledTrainingEndsInTheWeightsOfOneThatWasNot()
    {
        using var cli = Cli.Of("TorchZoo.Tests");
        var undisturbed = cli.PathOf("undisturbed");
        Assert.That(Start(cli, undisturbed, 0).WaitForEnd().ExitCode, Is.Zero);
        // Two at a time: most of a life is the start of the process.
        var seen = new Counts[Chains];
        Parallel.For(0, Chains, new ParallelOptions { MaxDegreeOfParallelism = Chains }, chain => seen[chain] = RunChain(cli, chain, undisturbed));
        TestContext.Out.WriteLine(string.Join(Environment.NewLine, seen.Select(s => s.ToString())));
        Assert.Multiple(() =>
        {
            Assert.That(seen.Sum(s => s.Kills), Is.GreaterThanOrEqualTo(20));
            Assert.That(seen.Sum(s => s.Resumed), Is.GreaterThan(seen.Sum(s => s.Kills) / 2), "most lives began where another was killed");
        });
    }

    private static Counts RunChain(Cli cli, int chain, string undisturbed)
    {
        var random = new Random(chain);
        var counts = new Counts();
        for (var run = 0; counts.Kills < KillsOfAChain; run++)
        {
            var folder = cli.PathOf($"run-{chain}-{run}");
            // A fast machine may come to the end before it was killed often enough: that is an end to check like any other.
            while (counts.Kills < KillsOfAChain && LiveAndDie(cli, folder, random, ref counts)) Verify(folder);
            var end = Start(cli, folder, 0).WaitForEnd();
            Assert.That(end.ExitCode, Is.Zero, end.Error);
            counts.Ends++;
            Assert.That(State(Path.Combine(folder, "last.pt")), Is.EqualTo(State(Path.Combine(undisturbed, "last.pt"))));
            Assert.That(State(Path.Combine(folder, "best.pt")), Is.EqualTo(State(Path.Combine(undisturbed, "best.pt"))));
            Assert.That(AllFiles(folder), Is.EqualTo(AllFiles(undisturbed)), "nothing is left of the files that were being written");
        }
        return counts;
    }

    // Most are killed in training, between steps and while files are being written; some as they start, or read what the last one left.
    private static bool LiveAndDie(Cli cli, string folder, Random random, ref Counts counts)
    {
        var resumes = File.Exists(Path.Combine(folder, "last.pt"));
        using var life = Start(cli, folder, 4);
        if (random.NextDouble() < 0.8)
        {
            life.WaitFor(KilledTraining.Running);
            Thread.Sleep(random.Next(0, 300));
        }
        else Thread.Sleep(random.Next(200, 1000));
        if (life.HasEnded) return false;
        life.Signal(CliRun.SigKill);
        if (life.WaitForEnd().ExitCode == 0) return false;
        counts.Kills++;
        if (resumes) counts.Resumed++;
        counts.Halves += Directory.Exists(folder) ? AllFiles(folder).Count(f => f.EndsWith(".tmp", StringComparison.Ordinal)) : 0;
        return true;
    }

    /// <summary>Whatever moment it was, the checkpoints that are there are whole.</summary>
    private static void Verify(string folder)
    {
        foreach (var path in Files.Select(f => Path.Combine(folder, f)).Where(File.Exists)) PyTree.DisposeTensors(PyTorchFile.Load(path));
    }

    private static CliRun Start(Cli cli, string folder, int pause) =>
        cli.Start(KilledTraining.Command, folder, pause.ToString(CultureInfo.InvariantCulture));

    private static List<string> AllFiles(string folder) =>
        [.. new DirectoryInfo(folder).GetFiles("*", new EnumerationOptions { AttributesToSkip = 0 }).Select(f => f.Name)
            .Where(f => !f.StartsWith("events.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Weights, moments, state of the random generator: the bytes of all tensors, in order.</summary>
    private static string State(string path)
    {
        using var scope = NewDisposeScope();
        return string.Join(' ', PyTree.Tensors(PyTorchFile.Load(path)).Select(t => Convert.ToHexString(t.bytes)));
    }

    private record struct Counts
    {
        public int Kills { get; set; }

        public int Resumed { get; set; }

        public int Ends { get; set; }

        /// <summary>Temporary files that a killed process left.</summary>
        public int Halves { get; set; }
    }
}
