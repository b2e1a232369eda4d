using System.Diagnostics;
using NUnit.Framework;
using NUnit.Framework.Internal;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Distributed;

/// <summary>Real jobs of several processes.</summary>
[Category("Mpi")]
public class MpiTests
{
    private static readonly string Program = typeof(MpiTests).Assembly.Location;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp()
    {
        if (MpiJob.Problem is { } problem) Assert.Ignore(problem);
        _folder = new TemporaryFolder();
    }

    [TearDown]
    public void TearDown() => _folder?.Dispose();

    // Null references are caught by signals, which MPI would like to catch too.
    [TestCase(2, "operations")]
    [TestCase(3, "overlap")]
    [TestCase(4, "operations+null")]
    public void OperationsGiveWhatTheyShould(int ranks, string work) => RunsWell(ranks, work);

    [TestCase(2)]
    [TestCase(4)]
    public void TheNumberOfRanksChangesNoTraining(int ranks)
    {
        RunsWell(ranks, "train", _folder.Path, string.Join(',', SharedTraining.Names.Append(SharedTraining.Compressed)));
        Assert.Multiple(() =>
        {
            CompressedGradientsTrainNearlyTheSame();
            foreach (var name in SharedTraining.Names)
                Assert.That(TrainingOutcome.Load(_folder.Path, name).Distance(SharedTraining.Run(name)), Is.LessThan(1e-9), name);
        });
    }

    private void CompressedGradientsTrainNearlyTheSame()
    {
        var distance = TrainingOutcome.Load(_folder.Path, SharedTraining.Compressed).Distance(SharedTraining.Run("plain"));
        // A bfloat16 has 8 bits: a gradient is off by 0.4 % at most, a weight by that of the 24 steps of 0.01 each.
        Assert.That(distance, Is.GreaterThan(0).And.LessThan(2e-2));
    }

    [Test]
    public void ARankThatThrowsEndsTheJob()
    {
        var result = EndsSoon(() => MpiJob.Start(3, Program, MpiWorker.Command, "throw"));
        Assert.That(result.Error, Does.Contain("rank 1 of 3").And.Contain(MpiWorker.Enough));
    }

    [Test]
    public void ARankThatFailsInTrainingEndsTheJob()
    {
        var result = EndsSoon(() => MpiJob.Start(3, Program, MpiWorker.Command, "fail", _folder.Path));
        Assert.That(result.Error, Does.Contain("rank 1 of 3").And.Contain(MpiWorker.Enough));
    }

    [Test]
    public void ExitCodesComeOutAndNobodyWaits()
    {
        var result = EndsSoon(() => MpiJob.Start(2, Program, MpiWorker.Command, "exit"));
        Assert.That(result.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void AJobThatIsKilledTenTimesLearnsTheSame()
    {
        var random = TestContext.CurrentContext.Random;
        for (var kill = 0; kill < 10; kill++) KillOne(ranks: random.Next(2, 5), after: random.Next(1, 4), random);
        RunsWell(random.Next(1, 5), "long", _folder.Path, "0");
        using var other = new TemporaryFolder();
        Assert.That(TrainingOutcome.Load(_folder.Path, "long").Distance(LongTraining.Run(other.Path, 0)), Is.LessThan(1e-9));
    }

    // Goes on from what those before left, until some rank is no more.
    private void KillOne(int ranks, int after, Randomizer random)
    {
        using var run = MpiJob.Start(ranks, Program, MpiWorker.Command, "long", _folder.Path, "50");
        for (var i = 1; i <= after; i++) run.WaitFor($"{LongTraining.Saved} {i}");
        var victim = random.Next(ranks);
        var clock = Stopwatch.StartNew();
        Process.GetProcessById(run.NumberAfter($"rank {victim} {LongTraining.Process} ")).Kill();
        var result = run.WaitForEnd();
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Not.Zero);
            Assert.That(result.Error, Does.Contain($"rank {victim}").And.Contain("signal 9"));
            Assert.That(clock.Elapsed, Is.LessThan(Soon));
        });
    }

    private static CliResult RunsWell(int ranks, params string[] work)
    {
        var result = MpiJob.Run(ranks, Program, [MpiWorker.Command, .. work]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        for (var r = 0; r < ranks; r++)
            Assert.That(result.Output, Does.Contain($"rank {r} of {ranks}: {MpiWorker.Fine}"), result.Error);
        return result;
    }

    private static CliResult EndsSoon(Func<CliRun> start)
    {
        using var run = start();
        run.WaitFor(MpiWorker.Enough);
        var clock = Stopwatch.StartNew();
        var result = run.WaitForEnd();
        Assert.That(result.ExitCode, Is.Not.Zero);
        Assert.That(clock.Elapsed, Is.LessThan(Soon));
        return result;
    }
}
