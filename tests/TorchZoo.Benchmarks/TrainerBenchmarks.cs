using TorchZoo.Data;
using TorchZoo.Optimizers;
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
