using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Compression;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SparseConv2dTests
{
    private static Func<Tensor, Tensor, Tensor?, Tensor> Dense(int stride, int padding) =>
        (x, weight, bias) => x.dim() == 4 ? nn.functional.conv2d(x, weight, bias, [stride, stride], [padding, padding])
            : nn.functional.conv2d(x.unsqueeze(0), weight, bias, [stride, stride], [padding, padding]).squeeze(0);

    private static IEnumerable<TestCaseData> Forms() =>
        from kernel in new[] { 1, 3, 5, 7 }
        from stride in new[] { 1, 2 }
        from padding in Enumerable.Range(0, kernel / 2 + 1)
        from order in new[] { ConvLoopOrder.OverBatch, ConvLoopOrder.OverPositions }
        select new TestCaseData(kernel, stride, padding, order);

    [TestCaseSource(nameof(Forms))]
    public void EqualsTheDenseConvolution(int kernel, int stride, int padding, ConvLoopOrder order)
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random(kernel);
        foreach (var (height, width) in new[] { (9, 12), (8, 7), (13, 13) })
            foreach (var batch in new[] { 1, 19 })
            {
                using var layer = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float32, 0.8, 6, 5, kernel, kernel),
                    randn(6, generator: random), stride, padding, order: order);
                SparseCases.EqualsDense(layer, Dense(stride, padding), randn([batch, 5, height, width], generator: random), random, 5 * kernel * kernel);
            }
    }

    [Test, Category("Property")]
    public void EqualsTheDenseConvolutionForAnyShape() =>
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 20], Gen.Int[1, 20], Gen.Select(Gen.Int[1, 5], Gen.Int[1, 2], Gen.Int[0, 5], Gen.Bool, Gen.Double[0, 1])).Sample(
            (batch, inputs, outputs, height, width, form) =>
            {
                var (kernel, stride, padding, overBatch, sparsity) = form;
                if (Math.Min(height, width) + 2 * padding < kernel) return;
                using var scope = NewDisposeScope();
                using var random = SparseCases.Random(height * width + batch);
                using var layer = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float64, sparsity, outputs, inputs, kernel, kernel),
                    randn(outputs, ScalarType.Float64, generator: random), stride, padding,
                    order: overBatch ? ConvLoopOrder.OverBatch : ConvLoopOrder.OverPositions);
                SparseCases.EqualsDense(layer, Dense(stride, padding), randn([batch, inputs, height, width], ScalarType.Float64, generator: random), random,
                    inputs * kernel * kernel);
            }, iter: 100, threads: 1);

    [Test]
    public void TakesSingleImagesAndStrides()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float32, 0.7, 4, 3, 3, 3), null, padding: 1);
        SparseCases.EqualsDense(layer, Dense(1, 1), randn([3, 6, 6], generator: random), random, 27);
        SparseCases.EqualsDense(layer, Dense(1, 1), randn([2, 6, 6, 3], generator: random).permute(0, 3, 1, 2), random, 27);
    }

    [Test]
    public void BitsDoNotDependOnTheNumberOfThreads([Values(ConvLoopOrder.OverBatch, ConvLoopOrder.OverPositions)] ConvLoopOrder order)
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float32, 0.8, 48, 40, 3, 3), randn(48, generator: random), 2, 1, order: order);
        Tensor x = randn([20, 40, 17, 18], generator: random), byOutput = randn([20, 48, 9, 9], generator: random);
        var one = SparseCases.Bits(layer, x, byOutput, 1);
        Assert.That(SparseCases.Bits(layer, x, byOutput, 2), Is.EqualTo(one));
        Assert.That(SparseCases.Bits(layer, x, byOutput, 3), Is.EqualTo(one));
    }

    [Test]
    public void StoresWhatTheReferenceStores()
    {
        using var scope = NewDisposeScope();
        var weight = zeros(2, 3, 2, 2);
        foreach (var (o, i, y, x, value) in new[] { (0, 0, 0, 1, 1f), (0, 2, 1, 0, 2f), (0, 2, 1, 1, 3f), (1, 1, 0, 0, 4f) }) weight[o, i, y, x] = value;
        using var layer = new SparseConv2d(weight);
        var state = StateDict.Of(layer);
        int[] Of(string name) => state[name].data<int>().ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(state.Keys, Is.EquivalentTo(new[] { "W_val", "W_idx_OC", "W_idx_IC", "W_idx_X", "W_idx_Y" }));
            Assert.That(state["W_val"].data<float>().ToArray(), Is.EqualTo(new float[] { 1, 2, 3, 4 }));
            Assert.That(Of("W_idx_OC"), Is.EqualTo(new[] { 0, 3, 4 }));
            Assert.That(Of("W_idx_IC"), Is.EqualTo(new[] { 0, 1, 1, 3, 0, 0, 1, 1 }));
            Assert.That(Of("W_idx_X"), Is.EqualTo(new[] { 0, 1, 1, 0 }));
            Assert.That(Of("W_idx_Y"), Is.EqualTo(new[] { 1, 0, 1, 0 }));
        });
    }

    [Test]
    public void ComesBackFromDenseBitForBit()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        var dense = nn.Conv2d(5, 7, 3, stride: 2, padding: 1L);
        using (no_grad()) dense.weight.mul_(rand(dense.weight.shape, generator: random).ge(0.7));
        using var layer = SparseConv2d.FromDense(dense);
        var again = layer.ToDense();
        Assert.Multiple(() =>
        {
            Assert.That(again.weight.allclose(dense.weight, 0, 0), Is.True);
            Assert.That(again.bias!.allclose(dense.bias!, 0, 0), Is.True);
            Assert.That(again.stride, Is.EqualTo(new[] { 2, 2 }));
            Assert.That(again.call(ones(1, 5, 8, 8)).allclose(dense.call(ones(1, 5, 8, 8)), 0, 0), Is.True);
        });
    }

    [Test]
    public void DenseGradientsIncludeThoseOfZeros()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float64, 0.8, 6, 4, 3, 3), null, 2, 1);
        var x = randn([2, 4, 9, 8], ScalarType.Float64, generator: random);
        layer.KeepsDenseGradient = true;
        layer.call(x).square().sum().backward();
        var weight = layer.DenseWeight().detach().requires_grad_();
        Dense(2, 1)(x, weight, null).square().sum().backward();
        Assert.That(layer.DenseGradient!.allclose(weight.grad!), Is.True);
    }

    [Test]
    public void WhatHasNoKernelIsRefused()
    {
        using var scope = NewDisposeScope();
        static void Refuses(nn.Module<Tensor, Tensor> conv, string reason) => Assert.That(() => SparseConv2d.FromDense((TorchSharp.Modules.Conv2d)conv),
            Throws.TypeOf<NotSupportedException>().With.Message.Contains(reason));
        Refuses(nn.Conv2d(4, 4, 3, groups: 2), "group");
        Refuses(nn.Conv2d(4, 4, 3, dilation: 2), "dilation");
        Refuses(nn.Conv2d(4, 4, 3, stride: 3), "stride");
        Refuses(nn.Conv2d(4, 4, (3, 5)), "square");
        Refuses(nn.Conv2d(4, 4, (3, 3), (1, 2)), "strides");
        Refuses(nn.Conv2d(4, 4, (3, 3), (1, 1), (0, 1)), "paddings");
        Refuses(nn.Conv2d(4, 4, 3, padding: 1L, padding_mode: PaddingModes.Reflect), "zeros");
        using var layer = new SparseConv2d(randn(2, 3, 3, 3));
        Assert.Multiple(() =>
        {
            Assert.That(() => layer.call(randn(1, 2, 5, 5)), Throws.ArgumentException.With.Message.Contains("(batch, 3, height, width)"));
            Assert.That(() => layer.call(randn(1, 3, 2, 5)), Throws.ArgumentException.With.Message.Contains("2×5"));
            Assert.That(() => new SparseConv2d(randn(2, 3, 3, 3).to(ScalarType.BFloat16)), Throws.TypeOf<NotSupportedException>());
            Assert.That(() => new SparseConv2d(randn(2, 3, 3, 3), padding: -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void StateDictsDecideHowManyWeightsThereAre()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        nn.Module Net(double conv, double linear) => nn.Sequential(
            ("conv", new SparseConv2d(SparseCases.Weight(random, ScalarType.Float32, conv, 4, 3, 3, 3), randn(4, generator: random))),
            ("linear", new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, linear, 5, 6))));
        nn.Module from = Net(0.5, 0.9), to = Net(0.9, 0.2);
        var parameter = to.parameters().First();
        StateDict.Load(to, StateDict.Of(from));
        var (a, b) = (StateDict.Of(from), StateDict.Of(to));
        Assert.Multiple(() =>
        {
            Assert.That(a.Keys, Is.EqualTo(b.Keys));
            foreach (var (key, tensor) in a) Assert.That(tensor.shape.SequenceEqual(b[key].shape) && tensor.allclose(b[key], 0, 0), Is.True, key);
            Assert.That(to.parameters().First(), Is.SameAs(parameter));
            Assert.That(((SparseConv2d)to.named_children().First().module).NonZeroCount, Is.EqualTo(a["conv.W_val"].numel()));
        });
        Tensor x = randn(2, 3, 5, 5);
        Assert.That(((SparseConv2d)to.named_children().First().module).call(x).allclose(((SparseConv2d)from.named_children().First().module).call(x), 0, 0), Is.True);

        // A damaged index leaves everything as it was.
        var damaged = StateDict.Of(Net(0.3, 0.3)).ToDictionary(t => t.Key, t => t.Value);
        foreach (var (key, index, value) in new[] { ("conv.W_idx_X", 0, 7), ("conv.W_idx_IC", 1, 1 << 30), ("conv.W_idx_OC", 1, -5), ("linear.W_idx_N", 2, 4000), ("linear.W_idx_M", 3, 6) })
        {
            var bad = new Dictionary<string, Tensor>(damaged) { [key] = damaged[key].clone() };
            bad[key][index] = value;
            Assert.That(() => StateDict.Load(to, bad), Throws.ArgumentException, key);
            var now = StateDict.Of(to);
            foreach (var (k, tensor) in a) Assert.That(tensor.shape.SequenceEqual(now[k].shape) && tensor.allclose(now[k], 0, 0), Is.True, k);
        }
        Assert.That(() => StateDict.Load(to, damaged.Where(t => t.Key != "conv.W_val").ToDictionary()), Throws.ArgumentException.With.Message.Contains("conv.W_val"));
    }
}
