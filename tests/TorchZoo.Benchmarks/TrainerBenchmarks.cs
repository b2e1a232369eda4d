using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

internal static class TrainerBenchmarks
{
    // A small net, where overhead shows most: ~1 ms a step.
    private const int Epochs = 5;

    [Benchmark("trainer/overhead", "the same loop written by hand (share of its time)", "≤ 1.03")]
    public static Measurement Overhead(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var data = new PairDataset(randn([4096, 64], generator: generator), randn([4096, 1], generator: generator));
        nn.Module<Tensor, Tensor> ours = Net(), theirs = Net();
        var trainer = new Trainer(ours, new TrainerOptions { Epochs = Epochs, BatchSize = 64 })
        {
            Optimizer = p => new FusedAdam(p),
            Step = Steps.Supervised((p, y) => (p - y).square().mean()),
        };
        var times = clock.Time(() => trainer.Fit(data), () => ByHand(theirs, data));
        return Measurement.Share(times[0], times[1]);

        static nn.Module<Tensor, Tensor> Net() => nn.Sequential(("a", nn.Linear(64, 256)), ("t", nn.Tanh()), ("b", nn.Linear(256, 256)), ("u", nn.Tanh()), ("c", nn.Linear(256, 1)));
    }

    [Benchmark("training/checkpointing", "the same 24 residual blocks without it (share of its time)", "≤ 1.4")]
    public static Measurement Checkpointed(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var net = new ResidualNet(() => { });
        var x = randn(ResidualNet.Rows, ResidualNet.Width);
        var times = clock.Time(() => net.Train(x, true), () => net.Train(x, false));
        return Measurement.Share(times[0], times[1]);
    }

    [Benchmark("training/checkpointing-memory", "the same without it: memory in use at the worst moment (share)", "≤ 0.4")]
    public static Measurement CheckpointedMemory(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var peak = 0L;
        var net = new ResidualNet(() => peak = Math.Max(peak, LiveMemory.InUse));
        var x = randn(ResidualNet.Rows, ResidualNet.Width);
        net.Train(x, true);
        var (ours, plain) = (Peak(true), Peak(false));
        return new Measurement(ours / 1e6, "MB", plain / 1e6, (double)ours / plain);

        long Peak(bool checkpoint)
        {
            var before = peak = LiveMemory.InUse;
            net.Train(x, checkpoint);
            return peak - before;
        }
    }

    [Benchmark("data/batch", "libtorch's bare copy of the same rows (share of its time)", "≤ 1.1")]
    public static Measurement TakeBatch(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        const long Examples = 512, Size = 3 * 64 * 64;
        var data = new PairDataset(randn(Examples, Size), randn(Examples, 1));
        using var order = randperm(Examples).slice(0, 0, 128, 1);
        var times = clock.Time(() => data.Take(order).Dispose(), () =>
        {
            data.Inputs.index_select(0, order).Dispose();
            data.Targets.index_select(0, order).Dispose();
        });
        return Measurement.Share(times[0], times[1]);
    }

    // x + W₂ gelu(W₁ norm(x)), 24 times.
    private sealed class ResidualNet(Action look)
    {
        public const long Rows = 2048, Width = 128;

        private readonly nn.Module<Tensor, Tensor>[] _blocks = [.. Enumerable.Range(0, 24).Select(_ => nn.Sequential(("n", nn.LayerNorm(Width)),
            ("a", nn.Linear(Width, 4 * Width)), ("g", nn.GELU()), ("b", nn.Linear(4 * Width, Width)), ("p", new Probe(look))))];

        public void Train(Tensor x, bool checkpoint)
        {
            using var scope = NewDisposeScope();
            var y = x;
            foreach (var block in _blocks) y = y + (checkpoint ? Checkpointing.Run(block, y) : block.call(y));
            y.square().mean().backward();
            foreach (var block in _blocks) block.zero_grad();
        }
    }

    private sealed class Probe(Action look) : nn.Module<Tensor, Tensor>(nameof(Probe))
    {
        public override Tensor forward(Tensor input)
        {
            look();
            return input.alias();
        }
    }

    private static void ByHand(nn.Module<Tensor, Tensor> net, PairDataset data)
    {
        using var optimizer = new FusedAdam(net.parameters());
        double sum = 0;
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            using var order = randperm(data.Count);
            for (var i = 0L; i < data.Count; i += 64)
            {
                using var scope = NewDisposeScope();
                var batch = order[TensorIndex.Slice(i, i + 64)];
                var loss = (net.call(data.Inputs.index_select(0, batch)) - data.Targets.index_select(0, batch)).square().mean();
                loss.backward();
                optimizer.step();
                optimizer.zero_grad();
                sum += loss.item<float>();
            }
        }
    }
}
