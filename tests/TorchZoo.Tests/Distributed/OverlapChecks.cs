using TorchSharp;
using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>Gradients that leave before the backward pass is over.</summary>
internal static class OverlapChecks
{
    public static void Run(ProcessGroup group)
    {
        Check(group, (net, x) => net.call(x), early: true, again: false);
        // A weight that is used outside of its module gets the rest of its gradient when it has left.
        Check(group, (net, x) => net.parameters().Last(p => p.dim() == 2).square().sum() * x.square().sum() + net.call(x), early: true,
            again: true);
    }

    private static void Check(ProcessGroup group, Func<nn.Module<Tensor, Tensor>, Tensor, Tensor> forward, bool early, bool again)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        // Each weight is a bucket.
        using var net = nn.Sequential(("a", nn.Linear(8, 600)), ("ta", nn.Tanh()), ("b", nn.Linear(600, 600)), ("tb", nn.Tanh()),
            ("c", nn.Linear(600, 600)), ("tc", nn.Tanh()), ("d", nn.Linear(600, 1)));
        net.to(ScalarType.Float64);
        using var reducer = new GradientReducer(group, net.parameters());
        using var observer = new GradientObserver([net], reducer.Note);
        var (before, steps) = (reducer.Counts, 4);
        for (var step = 0; step < steps; step++)
        {
            net.zero_grad();
            var inputs = Enumerable.Range(0, group.Size).Select(r => randn(5, 8, ScalarType.Float64,
                generator: new Generator((ulong)(10 * step + r)))).ToList();
            foreach (var x in inputs) forward(net, x).sum().backward();
            var expected = net.parameters().Select(p => p.grad!.clone()).ToList();
            foreach (var p in net.parameters()) p.grad = null;
            reducer.Begin();
            observer.Start();
            reducer.BeginPass();
            forward(net, inputs[group.Rank]).sum().backward();
            observer.Stop();
            reducer.Finish();
            foreach (var (p, sum) in net.parameters().Zip(expected))
                if (!p.grad!.allclose(sum, 1e-9, 1e-9)) throw new InvalidOperationException($"step {step}: a gradient is wrong");
        }
        if (reducer.Counts.Early > 0 != early) throw new InvalidOperationException($"{reducer.Counts.Early} buckets left early");
        if (reducer.Counts.Again > 0 != again) throw new InvalidOperationException($"{reducer.Counts.Again} buckets were sent again");
        if (group.IsFirst) Console.WriteLine($"{reducer.Counts.Early} early, {reducer.Counts.Again} again");
    }
}
