using TorchSharp;
using TorchZoo.Distributed;
using TorchZoo.Optimizers;
using TorchZoo.Tests.Training;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>A training with checkpoints that takes its time, so that something can happen to it.</summary>
internal static class LongTraining
{
    /// <summary>What rank 0 says with each checkpoint, before its number.</summary>
    public const string Saved = "saved checkpoint";

    /// <summary>What each rank says first, with its process's number.</summary>
    public const string Process = "is process";

    /// <param name="folder">Where it goes on from, if there is a checkpoint.</param>
    /// <param name="pause">Milliseconds to wait after each step.</param>
    /// <param name="failAt">The step at which rank 1 throws; −1: none.</param>
    public static TrainingOutcome Run(string folder, int pause, long failAt = -1)
    {
        using var scope = NewDisposeScope();
        Console.WriteLine($"rank {ProcessGroup.World.Rank} {Process} {Environment.ProcessId}");
        random.manual_seed(5);
        var net = nn.Sequential(("a", nn.Linear(2, 16)), ("t", nn.Tanh()), ("b", nn.Linear(16, 1)));
        net.to(ScalarType.Float64);
        var trainer = new Trainer(net, new TrainerOptions
        {
            Epochs = 12,
            BatchSize = 6,
            Seed = 4,
            Directory = folder,
            Resume = true,
            CheckpointEvery = 2,
            ShardOptimizer = true
        })
        {
            Optimizer = p => new FusedAdam(p, lr: 1e-2),
            Schedule = Schedules.OneCycle(warmUp: 0.2),
            Step = Steps.Supervised(Regression.MeanSquare),
            Callbacks = [new Watch(pause, failAt)],
        };
        return TrainingOutcome.Of(net, trainer.Fit(SharedTraining.Data(32, 1), SharedTraining.Data(8, 2)));
    }

    private sealed class Watch(int pause, long failAt) : TrainerCallback
    {
        private int _saved;

        public override void OnStep(Trainer trainer, StepReport report)
        {
            if (report.Step == failAt && ProcessGroup.World.Rank == 1) throw new InvalidOperationException(MpiWorker.Enough);
            if (pause > 0) Thread.Sleep(pause);
        }

        public override void OnCheckpoint(Trainer trainer, string path)
        {
            if (ProcessGroup.World.IsFirst) Console.WriteLine($"{Saved} {++_saved}");
        }
    }
}
