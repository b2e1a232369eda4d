using NUnit.Framework;
using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

public class CheckpointingTests
{
    [Test]
    public void GradientsAreTheSameToTheBit([Values(0, 0.4)] double dropout)
    {
        using var scope = NewDisposeScope();
        var net = Net(dropout);
        var x = randn(7, 5).requires_grad_();
        var plain = Gradients(net, x, t => net.call(t));
        var checkpointed = Gradients(net, x, t => Checkpointing.Run(net, t));
        for (var i = 0; i < plain.Length; i++) Assert.That(plain[i].allclose(checkpointed[i], 0, 0), Is.True, $"gradient {i}");
    }

    [Test]
    public void PartsNest()
    {
        using var scope = NewDisposeScope();
        var (inner, outer) = (Net(0.3), Net(0.2));
        var both = nn.Sequential(("a", inner), ("b", outer));
        var x = randn(3, 5).requires_grad_();
        var plain = Gradients(both, x, t => both.call(t));
        var nested = Gradients(both, x, t => Checkpointing.Run(y => [outer.call(Checkpointing.Run(inner, y[0]))], [t], both.parameters())[0]);
        for (var i = 0; i < plain.Length; i++) Assert.That(plain[i].allclose(nested[i], 0, 0), Is.True, $"gradient {i}");
    }

    // An input without gradient, an integer input, an output without gradient and one that nobody uses.
    [Test]
    public void SeveralInputsAndOutputs()
    {
        using var scope = NewDisposeScope();
        Tensor a = randn(4, 3).requires_grad_(), b = randn(4, 3), weight = randn(3, 3).requires_grad_();
        var rows = tensor([2L, 0, 1]);
        var plain = Run(Function);
        var checkpointed = Run(x => Checkpointing.Run(Function, x, [weight]));
        for (var i = 0; i < plain.Count; i++) Assert.That(plain[i].allclose(checkpointed[i], 0, 0), Is.True, $"gradient {i}");

        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> x) =>
            [x[0].matmul(weight) * x[1], x[0].index_select(0, x[2]).exp(), x[1].detach() + 1, x[0].sin()];

        IReadOnlyList<Tensor> Run(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function)
        {
            var y = function([a, b, rows]);
            return [.. autograd.grad([y[0].sum() + (y[1] * y[2][..3]).sum()], [a, weight])];
        }
    }

    [Test]
    public void GradientsOfGradients()
    {
        using var scope = NewDisposeScope();
        using var net = nn.Sequential(("a", nn.Linear(3, 4)), ("t", nn.Tanh()), ("b", nn.Linear(4, 1))).to(ScalarType.Float64);
        var x = randn([5, 3], ScalarType.Float64).requires_grad_();
        var plain = Second(t => net.call(t));
        var checkpointed = Second(t => Checkpointing.Run(net, t));
        for (var i = 0; i < plain.Count; i++)
            Assert.That((plain[i] - checkpointed[i]).abs().max().item<double>(), Is.LessThan(1e-12), $"gradient {i}");

        IReadOnlyList<Tensor> Second(Func<Tensor, Tensor> forward)
        {
            var first = autograd.grad([forward(x).sin().sum()], [x], retain_graph: true, create_graph: true)[0];
            return [.. autograd.grad([first.square().sum()], [x, .. net.parameters().Where(p => p.dim() > 1)])];
        }
    }

    // An input that is made of another one, and of a parameter that the part uses too: only the part's own share counts in it.
    [Test]
    public void SharedInputsCountOnce([Values] bool createGraph)
    {
        using var scope = NewDisposeScope();
        Tensor a = randn([4, 3], ScalarType.Float64).requires_grad_(), weight = randn([3, 3], ScalarType.Float64).requires_grad_();
        var plain = Run(Function);
        var checkpointed = Run(x => Checkpointing.Run(Function, x, [weight]));
        for (var i = 0; i < plain.Count; i++)
            Assert.That((plain[i] - checkpointed[i]).abs().max().item<double>(), Is.LessThan(1e-12), $"gradient {i}");

        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> x) => [x[0].matmul(weight).sin() * x[1], x[1].exp()];

        IReadOnlyList<Tensor> Run(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function)
        {
            var y = function([a, a.matmul(weight).tanh()]);
            var first = autograd.grad([y[0].sum() + y[1].square().sum()], [a, weight], retain_graph: createGraph, create_graph: createGraph);
            if (!createGraph) return [.. first];
            return [.. first, .. autograd.grad([first[0].square().sum() + first[1].sin().sum()], [a, weight])];
        }
    }

    [Test]
    public void TheSecondPassLeavesTheGeneratorAsItWas()
    {
        using var scope = NewDisposeScope();
        var net = Net(0.5);
        var y = Checkpointing.Run(net, randn(3, 5)).sum();
        using var before = get_rng_state();
        y.backward();
        Assert.That(before.allclose(get_rng_state(), 0, 0), Is.True);
    }

    [Test]
    public void WithoutGradientsItIsTheFunction()
    {
        using var scope = NewDisposeScope();
        var net = Net(0);
        var x = randn(3, 5);
        using (no_grad()) Assert.That(Checkpointing.Run(net, x).requires_grad, Is.False);
        Assert.That(Checkpointing.Run(t => [t[0] + 1], [x], [])[0].allclose(x + 1, 0, 0), Is.True);
    }

    [Test]
    public void SegmentsAreTheChain([Range(1, 5)] int segments)
    {
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor>[] modules = [.. Enumerable.Range(0, 5).Select(_ => Net(0.1))];
        var all = nn.ModuleList(modules);
        var x = randn(3, 5).requires_grad_();
        var plain = Gradients(all, x, t => modules.Aggregate(t, (y, m) => m.call(y)));
        var segmented = Gradients(all, x, t => Checkpointing.Sequential(modules, segments, t));
        for (var i = 0; i < plain.Length; i++) Assert.That(plain[i].allclose(segmented[i], 0, 0), Is.True, $"gradient {i}");
        Assert.That(() => Checkpointing.Sequential(modules, 6, x), Throws.ArgumentException);
    }

    // It must neither end the process nor pass for a gradient.
    [Test]
    public void AFailureOfTheSecondPassComesOut()
    {
        using var scope = NewDisposeScope();
        var weight = randn(3).requires_grad_();
        var passes = 0;
        var y = Checkpointing.Run(x => passes++ == 0 ? [x[0] * weight] : throw new InvalidOperationException("out of something"),
            [randn(3)], [weight])[0];
        y.sum().backward();
        Assert.Multiple(() =>
        {
            Assert.That(weight.grad!.isnan().all().item<bool>(), Is.True);
            Assert.That(BackwardPass.ThrowIfFailed, Throws.InvalidOperationException.With.Message.Contains("out of something"));
            Assert.That(BackwardPass.ThrowIfFailed, Throws.Nothing);
        });
    }

    [Test]
    public void CastingIsRepeated()
    {
        using var scope = NewDisposeScope();
        var net = Net(0);
        var types = new List<ScalarType>();
        Tensor y;
        using (Autocast.Enable(CPU, ScalarType.BFloat16))
            y = Checkpointing.Run(x =>
            {
                var product = net.call(x[0]);
                types.Add(product.dtype);
                return [product];
            }, [randn(3, 5)], net.parameters())[0];
        y.sum().backward();
        Assert.That(types, Is.EqualTo(new[] { ScalarType.BFloat16, ScalarType.BFloat16 }));
    }

    // 24 blocks x + W₂ gelu(W₁ x): between two block inputs lie several tensors, some four times as wide. The resident memory says less: the
    // allocator's holes are in it.
    [Test]
    public void MemoryOfADeepNetFallsBySixtyPercent()
    {
        if (!LiveMemory.IsMeasurable) Assert.Ignore("this system's allocator doesn't tell what is in use");
        const long Rows = 1024, Width = 64;
        using var scope = NewDisposeScope();
        var peak = 0L;
        nn.Module<Tensor, Tensor>[] blocks = [.. Enumerable.Range(0, 24).Select(_ => nn.Sequential(("n", nn.LayerNorm(Width)),
            ("a", nn.Linear(Width, 4 * Width)), ("g", nn.GELU()), ("b", nn.Linear(4 * Width, Width)), ("p", new Probe(() => peak = Math.Max(peak, LiveMemory.InUse)))))];
        var x = randn(Rows, Width);
        Train(true); // the weights' gradients stay
        var (plain, checkpointed) = (Peak(false), Peak(true));
        Assert.That((double)checkpointed / plain, Is.LessThan(0.4), $"{checkpointed >> 10} kB of {plain >> 10} kB");

        long Peak(bool checkpoint)
        {
            var before = peak = LiveMemory.InUse;
            Train(checkpoint);
            return peak - before;
        }

        void Train(bool checkpoint)
        {
            using var inner = NewDisposeScope();
            var y = x;
            foreach (var block in blocks) y = y + (checkpoint ? Checkpointing.Run(block, y, preservesRandomness: false) : block.call(y));
            y.square().mean().backward();
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

    private static nn.Module<Tensor, Tensor> Net(double dropout) => nn.Sequential(
        ("a", nn.Linear(5, 16)), ("n", nn.LayerNorm(16)), ("t", nn.Tanh()), ("d", nn.Dropout(dropout)), ("b", nn.Linear(16, 5)));

    private static Tensor[] Gradients(nn.Module module, Tensor input, Func<Tensor, Tensor> forward)
    {
        random.manual_seed(3);
        module.zero_grad();
        input.grad = null;
        forward(input).square().sum().backward();
        return [input.grad!.clone(), .. module.parameters().Select(p => p.grad!.clone())];
    }
}
