using System.Diagnostics;
using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Distributed;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Several processes on this machine; this program starts itself under <c>mpirun</c>, each process with one thread.</summary>
internal static class DistributedBenchmarks
{
    private const int Warm = 8;

    /// <summary>The first argument of a process of such a job.</summary>
    public const string Command = "mpi-worker";

    private const string Result = "seconds:", FnoEpoch = "fno", MlpEpoch = "mlp";

    [Benchmark("distributed/allreduce-64m", "the bare MPI call, 2 processes (share of its time)", "≤ 1.3")]
    public static Measurement AllReduce(Stopwatches clock)
    {
        var times = Run(2, "allreduce", clock.Rounds);
        return Measurement.Share(times[0], times[1]);
    }

    [Benchmark("distributed/fno-2-ranks", "1 process, for an epoch of the FNO recipe", "≥ 1.7")]
    public static Measurement Fno(Stopwatches clock) => TwoRanks(clock, FnoEpoch, batchSize: 25);

    // 6.3 million weights: 25 MB of gradients, most of which leave during the backward pass.
    [Benchmark("distributed/mlp-2-ranks", "1 process, for an epoch of a wide perceptron", "–")]
    public static Measurement Mlp(Stopwatches clock) => TwoRanks(clock, MlpEpoch, batchSize: 256);

    // One job after the other, again and again: what slows the machine down slows all. The bound is what two processes take that know nothing
    // of each other, each with its share of the batch: they too slow each other down.
    private static Measurement TwoRanks(Stopwatches clock, string work, int batchSize)
    {
        var rounds = Enumerable.Range(0, 3).Select(_ =>
        {
            var one = Run(1, work, clock.Rounds, batchSize)[0];
            var two = Run(2, work, clock.Rounds, batchSize)[0];
            using var first = Start(1, work, clock.Rounds, (batchSize + 1) / 2);
            var second = Run(1, work, clock.Rounds, (batchSize + 1) / 2)[0];
            return (One: one, Two: two, Alone: (Times(first.WaitForEnd())[0] + second) / 2);
        }).ToList();
        return Measurement.SpeedUp(rounds.Min(r => r.Two), rounds.Min(r => r.One), rounds.Min(r => r.Alone));
    }

    /// <summary>What a process of a job does.</summary>
    public static int Work(string[] args)
    {
        TorchRuntime.EnsureLoaded();
        set_num_threads(1);
        var rounds = int.Parse(args[2], CultureInfo.InvariantCulture);
        var batchSize = int.Parse(args[3], CultureInfo.InvariantCulture);
        var seconds = args[1] switch
        {
            FnoEpoch => TimeFno(rounds, batchSize),
            MlpEpoch => TimeMlp(rounds, batchSize),
            _ => TimeAllReduce(rounds),
        };
        if (ProcessGroup.World.IsFirst) Console.WriteLine(Result + string.Join(' ', seconds.Select(s => s.ToString("R",
            CultureInfo.InvariantCulture))));
        return 0;
    }

    private static unsafe double[] TimeAllReduce(int rounds)
    {
        const int count = 16 << 20;
        var group = ProcessGroup.World;
        var mpi = MpiLibrary.Load(isOpenMpi: true, null);
        using var tensor = zeros(count);
        var address = TensorMemory.Address(tensor);
        return Medians(rounds, group, () => group.AllReduce(tensor),
            () => mpi.Check(mpi.Allreduce(mpi.InPlace, address, count, mpi.Float, mpi.Sum, mpi.World), "MPI_Allreduce"));
    }

    // The recipe's network and resolution; the numbers in the data don't matter.
    private static double[] TimeFno(int rounds, int batchSize) => TimeEpochs(rounds, batchSize, steps: 20, [1, 256], [1, 256],
        () => new Fno(new FnoConfig { NModes = [32], InChannels = 1, OutChannels = 1, HiddenChannels = 32 }), RelativeL2.Loss);

    private static double[] TimeMlp(int rounds, int batchSize) => TimeEpochs(rounds, batchSize, steps: 5, [512], [512], () =>
        nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 512)), (p, t) => nn.functional.mse_loss(p, t));

    // The last of some epochs: what starts up, here or in another process, is over by then.
    private static double[] TimeEpochs(int rounds, int batchSize, int steps, long[] input, long[] target,
        Func<nn.Module<Tensor, Tensor>> create, Func<Tensor, Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var model = create();
        var trainer = new Trainer(model, new TrainerOptions { BatchSize = batchSize, Epochs = Warm + rounds })
        {
            Optimizer = p => new FusedAdam(p, 3e-3),
            Step = Steps.Supervised(loss),
        };
        var examples = steps * batchSize;
        var history = trainer.Fit(new PairDataset(randn([examples, .. input]), randn([examples, .. target]))).History;
        return [history.Skip(Warm).Select(e => e.Seconds).Order().ElementAt(rounds / 2)];
    }

    private static double[] Medians(int rounds, ProcessGroup group, params Action[] actions)
    {
        var times = actions.Select(_ => new double[rounds]).ToArray();
        for (var round = -2; round < rounds; round++)
            for (var i = 0; i < actions.Length; i++)
            {
                group.Barrier();
                var clock = Stopwatch.StartNew();
                actions[i]();
                if (round >= 0) times[i][round] = clock.Elapsed.TotalSeconds;
            }
        return [.. times.Select(t => t.Order().ElementAt(rounds / 2))];
    }

    private static double[] Run(int ranks, string work, int rounds, int batchSize = 0)
    {
        using var run = Start(ranks, work, rounds, batchSize);
        return Times(run.WaitForEnd());
    }

    private static CliRun Start(int ranks, string work, int rounds, int batchSize) => MpiJob.Problem is { } problem
        ? throw new NotSupportedException(problem)
        : MpiJob.Start(ranks, typeof(DistributedBenchmarks).Assembly.Location, Command, work,
            rounds.ToString(CultureInfo.InvariantCulture), batchSize.ToString(CultureInfo.InvariantCulture));

    private static double[] Times(CliResult result)
    {
        var line = result.Output.Split('\n').FirstOrDefault(l => l.Contains(Result, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"the job left no result: {result.Error}");
        return [.. line[(line.IndexOf(Result, StringComparison.Ordinal) + Result.Length)..].Split(' ').Select(s => double.Parse(s,
            CultureInfo.InvariantCulture))];
    }
}
