using System.Globalization;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

/// <summary>
/// A training that is short but has everything that a resumed one may get wrong: dropout, shuffled batches, accumulation, a schedule, a
/// last batch that is not full, validation. As a program of its own it goes on from the last checkpoint, and takes its time so that it can
/// be killed in between.
/// </summary>
internal static class KilledTraining
{
    /// <summary>The program's first argument.</summary>
    public const string Command = "train-until-killed";

    /// <summary>What it says when it has written its first checkpoint, or has nothing to do because it was killed after its
    /// last.</summary>
    public const string Running = "running";

    /// <param name="args">Folder, milliseconds to wait after each step.</param>
    public static int Run(ReadOnlySpan<string> args)
    {
        TorchRuntime.EnsureLoaded();
        Train(args[0], TimeSpan.FromMilliseconds(double.Parse(args[1], CultureInfo.InvariantCulture)));
        return 0;
    }

    private static void Train(string folder, TimeSpan pause)
    {
        using var scope = NewDisposeScope();
        var trainer = new Trainer(Regression.Net(dropout: 0.3), new TrainerOptions
        {
            Epochs = 12,
            BatchSize = 3,
            Directory = folder,
            Seed = 11,
            AccumulationSteps = 2,
            ClipNorm = 1,
            CheckpointEvery = 3,
            KeepLast = 2,
            Resume = true,
        })
        {
            Optimizer = p => new FusedAdam(p, lr: 1e-2),
            Schedule = Schedules.OneCycle(warmUp: 0.1),
            Step = Steps.Supervised(Regression.MeanSquare),
            Callbacks = [new Slow(pause)],
        };
        trainer.Fit(Regression.Data(), Regression.Data(16, seed: 2));
    }

    private sealed class Slow(TimeSpan pause) : TrainerCallback
    {
        private bool _said;

        // With the first checkpoint, not the first step: a life that is shorter gets nowhere.
        public override void OnCheckpoint(Trainer trainer, string path) => Say();

        public override void OnEnd(Trainer trainer) => Say();

        private void Say()
        {
            if (!_said) Console.WriteLine(Running);
            _said = true;
        }

        public override void OnStep(Trainer trainer, StepReport report)
        {
            if (pause > TimeSpan.Zero) Thread.Sleep(pause);
        }
    }
}
