using CsCheck;
using NUnit.Framework;
using TorchZoo.Models.Compression;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SparseLinearTests
{
    private static Tensor Dense(Tensor x, Tensor weight, Tensor? bias) => nn.functional.linear(x, weight, bias);

    [Test, Category("Property")]
    public void EqualsTheDenseLayerForAnyShape() =>
        Gen.Select(Gen.Int[0, 300], Gen.Int[1, 70], Gen.Int[1, 70], Gen.Double[0, 1], Gen.Bool, Gen.Bool).Sample((batch, inputs, outputs, sparsity, isDouble, hasBias) =>
        {
            using var scope = NewDisposeScope();
            using var random = SparseCases.Random(batch + inputs + outputs);
            var dtype = isDouble ? ScalarType.Float64 : ScalarType.Float32;
            using var layer = new SparseLinear(SparseCases.Weight(random, dtype, sparsity, outputs, inputs),
                hasBias ? randn(outputs, dtype, generator: random) : null);
            SparseCases.EqualsDense(layer, Dense, randn([batch, inputs], dtype, generator: random), random, inputs);
        }, iter: 60, threads: 1);

    [Test]
    public void EqualsTheDenseLayerForLargeOnes([Values(1, 7, 16, 64, 129)] int batch, [Values(0.5, 0.95, 1)] double sparsity)
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random(batch);
        var dense = nn.Linear(517, 301);
        using var off = no_grad();
        dense.weight!.mul_(rand(301, 517, generator: random).ge(sparsity));
        using var layer = SparseLinear.FromDense(dense);
        Assert.That(layer.NonZeroCount, sparsity < 1 ? Is.GreaterThan(0) : Is.EqualTo(0));
        using var on = enable_grad();
        SparseCases.EqualsDense(layer, Dense, randn(batch, 517, generator: random), random, 517);
    }

    [Test]
    public void TakesInputsOfAnyRankAndStrides()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, 0.6, 5, 7), randn(5, generator: random));
        foreach (var shape in new long[][] { [7], [3, 7], [2, 3, 7], [2, 1, 4, 7], [0, 7], [2, 0, 7] })
            SparseCases.EqualsDense(layer, Dense, randn(shape, generator: random), random, 7);
        SparseCases.EqualsDense(layer, Dense, randn([7, 3], generator: random).t(), random, 7);
        SparseCases.EqualsDense(layer, Dense, randn([1, 7], generator: random).expand(6, 7), random, 7);
    }

    [Test]
    public void EmptyRowsColumnsAndWeightsGiveTheBias()
    {
        using var scope = NewDisposeScope();
        using var layer = new SparseLinear(zeros(3, 4), tensor(new float[] { 1, -2, 3 }));
        var x = randn([2, 4], requires_grad: true);
        var y = layer.call(x);
        y.sum().backward();
        Assert.Multiple(() =>
        {
            Assert.That(y.data<float>().ToArray(), Is.EqualTo(new float[] { 1, -2, 3, 1, -2, 3 }));
            Assert.That(x.grad!.data<float>().ToArray(), Is.All.EqualTo(0));
            Assert.That(layer.StoredWeight.grad!.numel(), Is.EqualTo(0));
        });
    }

    [Test]
    public void ComesBackFromDenseBitForBit()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        var weight = SparseCases.Weight(random, ScalarType.Float32, 0.8, 33, 50);
        using var layer = new SparseLinear(weight, randn(33, generator: random));
        Assert.Multiple(() =>
        {
            Assert.That(layer.ToDense().weight!.allclose(weight, 0, 0), Is.True);
            Assert.That(layer.ToDense().bias!.allclose(layer.StoredBias!, 0, 0), Is.True);
            Assert.That(layer.StoredWeight.allclose(weight.masked_select(weight.ne(0)), 0, 0), Is.True);
            Assert.That(layer.Mask().bitwise_xor(weight.ne(0)).any().item<bool>(), Is.False);
            Assert.That(layer.Sparsity, Is.EqualTo(1 - layer.NonZeroCount / 1650.0));
        });
    }

    [Test]
    public void AMaskKeepsWeightsThatAreZero()
    {
        using var scope = NewDisposeScope();
        using var layer = new SparseLinear(tensor(new float[,] { { 0, 2 }, { 3, 0 } }), null, tensor(new[,] { { true, true }, { false, false } }));
        Assert.That(layer.StoredWeight.data<float>().ToArray(), Is.EqualTo(new float[] { 0, 2 }));
    }

    [Test]
    public void BitsDoNotDependOnTheNumberOfThreads()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, 0.9, 700, 900), randn(700, generator: random));
        Tensor x = randn([150, 900], generator: random), byOutput = randn([150, 700], generator: random);
        var one = SparseCases.Bits(layer, x, byOutput, 1);
        Assert.That(SparseCases.Bits(layer, x, byOutput, 2), Is.EqualTo(one));
        Assert.That(SparseCases.Bits(layer, x, byOutput, 3), Is.EqualTo(one));
    }

    [Test]
    public void GradientsAreThoseOfDifferencesAndTheirGradientsThoseOfTheDenseLayer()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random(3);
        var order = randperm(35, generator: random).slice(0, 0, 10, 1);
        var mask = zeros(35, ScalarType.Bool).index_fill_(0, order, true).reshape(5, 7);
        using var layer = new SparseLinear(randn([5, 7], ScalarType.Float64, generator: random), randn(5, ScalarType.Float64, generator: random), mask);
        var x = randn([4, 7], ScalarType.Float64, generator: random).requires_grad_();
        Tensor c = randn([4, 5], ScalarType.Float64, generator: random);
        Tensor Loss() => (layer.call(x).sin() * c).sum();
        Tensor[] leaves = [x, layer.StoredWeight, layer.StoredBias!];
        var gradients = autograd.grad([Loss()], leaves, create_graph: true, retain_graph: true);
        var directed = autograd.grad([gradients[0].sum()], leaves, retain_graph: true, allow_unused: true);
        foreach (var (leaf, gradient) in leaves.Zip(gradients))
            for (var i = 0; i < leaf.numel(); i++)
                Assert.That(gradient.reshape(-1)[i].item<double>(), Is.EqualTo(Slope(leaf, i, () => Loss().item<double>())).Within(1e-8));


        // Second derivatives along a direction, by differences of the first.
        for (var i = 0; i < 10; i++)
            Assert.That(directed[1][i].item<double>(),
                Is.EqualTo(Slope(layer.StoredWeight, i, () => autograd.grad([Loss()], [x])[0].sum().item<double>())).Within(1e-7));
    }

    private static double Slope(Tensor leaf, long i, Func<double> value)
    {
        const double h = 1e-5;
        using var scope = NewDisposeScope();
        double At(double by)
        {
            using (no_grad()) leaf.reshape(-1)[i].add_(by);
            return value();
        }
        var (up, down) = (At(h), At(-2 * h));
        At(h);
        return (up - down) / (2 * h);
    }

    [Test]
    public void TrainsLikeAMaskedDenseLayer()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random(5);
        var weight = SparseCases.Weight(random, ScalarType.Float32, 0.9, 40, 60) * 0.1;
        using var layer = new SparseLinear(weight, zeros(40));
        var dense = layer.ToDense();
        var mask = weight.ne(0);
        using FusedSgd sparseOptimizer = new(layer.parameters(), 0.05, 0.9, weightDecay: 1e-3), denseOptimizer = new(dense.parameters(), 0.05, 0.9, weightDecay: 1e-3);
        Tensor x = randn([64, 60], generator: random), target = randn([64, 40], generator: random);
        for (var step = 0; step < 100; step++)
        {
            using var inner = NewDisposeScope();
            (layer.call(x) - target).square().mean().backward();
            (dense.call(x) - target).square().mean().backward();
            dense.weight!.grad!.mul_(mask);
            sparseOptimizer.step();
            denseOptimizer.step();
            using (no_grad()) dense.weight.mul_(mask);
            sparseOptimizer.zero_grad();
            denseOptimizer.zero_grad();
        }
        Assert.Multiple(() =>
        {
            Assert.That((layer.DenseWeight() - dense.weight!).abs().max().item<float>(), Is.LessThan(1e-4));
            Assert.That((layer.DenseWeight() - weight).abs().max().item<float>(), Is.GreaterThan(1e-2), "nothing was learned");
            Assert.That(layer.DenseWeight().ne(0).bitwise_xor(mask).any().item<bool>(), Is.False);
        });
    }

    [Test]
    public void FurtherMasksKeepValuesAndMomentum()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random(7);
        using var layer = new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, 0.5, 20, 30));
        using var optimizer = new FusedSgd(layer.parameters(), 0.1, 0.9);
        Tensor x = randn([8, 30], generator: random);
        void Step()
        {
            using var inner = NewDisposeScope();
            layer.call(x).square().mean().backward();
            optimizer.step();
            optimizer.zero_grad();
        }
        Step();
        var (before, parameter, count) = (layer.DenseWeight().detach(), layer.StoredWeight, layer.NonZeroCount);
        var keep = rand(20, 30, generator: random).lt(0.5);
        var kept = layer.ApplyFurtherMask(keep);
        optimizer.Rearrange(layer.StoredWeight, kept);
        Assert.Multiple(() =>
        {
            Assert.That(layer.NonZeroCount, Is.EqualTo((before.ne(0) & keep).sum().item<long>()).And.LessThan(count));
            Assert.That(layer.DenseWeight().allclose(before * keep, 0, 0), Is.True);
            Assert.That(layer.StoredWeight, Is.SameAs(parameter));
            Assert.That(layer.named_buffers().Single(b => b.name == "W_idx_M").buffer.numel(), Is.EqualTo(layer.NonZeroCount));
        });

        // As a layer that had these weights and this momentum from the start.
        using var twin = new SparseLinear(layer.DenseWeight().detach(), null, layer.Mask());
        using var twinOptimizer = new FusedSgd(twin.parameters(), 0.1, 0.9);
        SparseCases.EqualsDense(layer, Dense, x, random, 30);
        layer.zero_grad();
        Step();
        twin.call(x).square().mean().backward();
        var gradient = twin.StoredWeight.grad!.clone();
        Assert.That((layer.StoredWeight - twin.StoredWeight + 0.1 * gradient).abs().max().item<float>(), Is.GreaterThan(1e-6), "momentum was forgotten");
    }

    [Test]
    public void NewEntriesBeginAtZeroAndOldOnesKeepTheirValues()
    {
        using var scope = NewDisposeScope();
        using var layer = new SparseLinear(tensor(new float[,] { { 1, 0, 2 }, { 0, 3, 0 } }));
        var before = layer.ApplyMask(tensor(new[,] { { false, true, true }, { true, true, false } }));
        Assert.Multiple(() =>
        {
            Assert.That(before.data<long>().ToArray(), Is.EqualTo(new long[] { -1, 1, -1, 2 }));
            Assert.That(layer.StoredWeight.data<float>().ToArray(), Is.EqualTo(new float[] { 0, 2, 0, 3 }));
        });
    }

    [Test]
    public void DenseGradientsIncludeThoseOfZeros()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var layer = new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, 0.8, 6, 9));
        var x = randn([2, 5, 9], generator: random);
        layer.KeepsDenseGradient = true;
        layer.call(x).square().sum().backward();
        var weight = layer.DenseWeight().detach().requires_grad_();
        nn.functional.linear(x, weight, null).square().sum().backward();
        Assert.That(layer.DenseGradient!.allclose(weight.grad!, 1e-4, 1e-4), Is.True);
    }

    [Test]
    public void BadArgumentsAreNamed()
    {
        using var scope = NewDisposeScope();
        using var layer = new SparseLinear(randn(3, 4));
        Assert.Multiple(() =>
        {
            Assert.That(() => layer.call(randn(2, 5)), Throws.ArgumentException.With.Message.Contains("(…, 4)"));
            Assert.That(() => layer.call(randn([2, 4], ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => new SparseLinear(randn(3)), Throws.ArgumentException);
            Assert.That(() => new SparseLinear(randn(3, 4), randn(4)), Throws.ArgumentException);
            Assert.That(() => new SparseLinear(randn(3, 4), null, ones(4, 3)), Throws.ArgumentException);
            Assert.That(() => new SparseLinear(randn(3, 4).to(ScalarType.Float16)), Throws.TypeOf<NotSupportedException>());
            Assert.That(() => layer.ApplyMask(ones(3, 3)), Throws.ArgumentException);
            Assert.That(() => layer.ApplyFurtherMask(ones(5)), Throws.ArgumentException);
        });
    }
}
