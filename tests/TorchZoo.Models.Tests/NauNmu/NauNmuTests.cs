using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data.Arithmetic;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class NauNmuTests
{
    [Test, Category("Property")]
    public void WholeWeightsCalculateExactly() => Gen.Select(Gen.Int[1, 7], Gen.Int[1, 3], Gen.Int[0, 1000]).Sample((n, m, seed) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var x = randn([6, n], ScalarType.Float64, generator: generator);
        var chosen = randint(2, [m, n], ScalarType.Float64, generator: generator);
        var signed = randint(3, [m, n], ScalarType.Float64, generator: generator) - 1;
        using var nmu = Nmu(chosen);
        using var nau = Nau(signed);
        var products = where(chosen.unsqueeze(0) == 1, x.unsqueeze(1), ones(1, ScalarType.Float64)).prod(-1);
        Assert.That((nmu.call(x) - products).abs().max().item<double>(), Is.LessThan(1e-14 * Math.Max(1,
            products.abs().max().item<double>())));
        Assert.That((nau.call(x) - (x.unsqueeze(1) * signed).sum([-1])).abs().max().item<double>(), Is.LessThan(1e-14));
    }, iter: 40, threads: 1);

    [Test]
    public void WithoutWeightsNothingIsAddedOrMultiplied()
    {
        using var scope = NewDisposeScope();
        using var nmu = Nmu(zeros(2, 3, ScalarType.Float64));
        using var nau = Nau(zeros(2, 3, ScalarType.Float64));
        var x = full([4, 3], -7.0, ScalarType.Float64);
        Assert.That(nmu.call(x).eq(1).all().item<bool>());
        Assert.That(nau.call(x).eq(0).all().item<bool>());
        Assert.That((nmu.Formula(), nau.Formula()), Is.EqualTo(("1; 1", "0; 0")));
    }

    [Test]
    public void ProductsAreLinearInEachNumber()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var (w, x) = (rand([2, 4], ScalarType.Float64, generator: generator), randn([1, 4], ScalarType.Float64, generator: generator));
        Tensor At(double dw, double dx, int j)
        {
            var (moved, input) = (w.clone(), x.clone());
            moved[.., j] += dw;
            input[.., j] += dx;
            using var nmu = Nmu(moved);
            return nmu.call(input);
        }
        for (var j = 0; j < 4; j++)
        {
            Assert.That((At(0, 1, j) - 2 * At(0, 0, j) + At(0, -1, j)).abs().max().item<double>(), Is.LessThan(1e-12));
            Assert.That((At(0.25, 0, j) - 2 * At(0, 0, j) + At(-0.25, 0, j)).abs().max().item<double>(), Is.LessThan(1e-12));
        }
    }

    [Test]
    public void PositiveFactorsAreExponentialsOfSums()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var (w, x) = (rand([3, 5], ScalarType.Float64, generator: generator), rand([7, 5], ScalarType.Float64, generator: generator) + 0.1);
        using var nmu = Nmu(w);
        Assert.That(nmu.call(x).allclose((w * x.unsqueeze(1) + 1 - w).log().sum([-1]).exp(), 1e-12, 1e-12));
    }

    // Factors of zero: one, two, and a negative one.
    [TestCase(0.0, 2.0, -3.0, 0.5)]
    [TestCase(0.0, 0.0, 2.0, 0.5)]
    [TestCase(-1.0, 0.0, -2.0, 1.0)]
    public void GradientsAreExclusiveProducts(double a, double b, double c, double d)
    {
        using var scope = NewDisposeScope();
        double[] x = [a, b, c, d], w = [1, 1, 0.5, 1];
        using var nmu = Nmu(tensor(w).reshape(1, 4));
        var input = tensor(x).reshape(1, 4).requires_grad_();
        var y = nmu.call(input);
        y.sum().backward();
        double[] factors = [.. x.Zip(w, (xj, wj) => wj * xj + 1 - wj)];
        double Others(int j) => factors.Where((_, k) => k != j).Aggregate(1.0, (p, f) => p * f);
        Assert.That(y.item<double>(), Is.EqualTo(factors.Aggregate((p, f) => p * f)).Within(1e-12));
        for (var j = 0; j < 4; j++)
        {
            Assert.That(nmu.Weight.grad![0, j].item<double>(), Is.EqualTo((x[j] - 1) * Others(j)).Within(1e-12));
            Assert.That(input.grad![0, j].item<double>(), Is.EqualTo(w[j] * Others(j)).Within(1e-12));
        }
    }

    [Test]
    public void TheOrderOfInputsIsNoMatter()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var (w, x) = (rand([3, 6], ScalarType.Float64, generator: generator), randn([5, 6], ScalarType.Float64, generator: generator));
        var p = randperm(6, generator: generator);
        using var nmu = Nmu(w);
        using var permuted = Nmu(w.index_select(1, p));
        Assert.That(permuted.call(x.index_select(1, p)).allclose(nmu.call(x), 1e-12, 1e-12));
    }

    [Test]
    public void InitialWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        foreach (var (inFeatures, outFeatures) in new[] { (4L, 2L), (100, 60) })
        {
            using var nau = new NeuralAdditionUnit(inFeatures, outFeatures, generator: generator);
            Assert.That(nau.Weight.abs().max().item<float>(), Is.LessThanOrEqualTo(Math.Min(0.5,
                Math.Sqrt(6.0 / (inFeatures + outFeatures))) + 1e-6));
        }
        using var nmu = new NeuralMultiplicationUnit(100, 60, generator: generator);
        Assert.That(nmu.Weight.min().item<float>(), Is.InRange(0.25, 0.26));
        Assert.That(nmu.Weight.max().item<float>(), Is.InRange(0.74, 0.75));
        Assert.That(nmu.Weight.mean().item<float>(), Is.EqualTo(0.5).Within(3 / Math.Sqrt(48 * 6000)));
    }

    [TestCase(2, 0.2501)]
    [TestCase(4, 0.0627)]
    [TestCase(8, 0.00393)]
    public void InitialProductsOfNoiseHaveAKnownMean(long n, double measured)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        // Weights anew for each of the members, inputs for each example.
        using var nmu = new NeuralMultiplicationUnit(n, 1, members: 1000, generator: generator);
        using var off = no_grad();
        var y = nmu.call(randn([1000, 1000, n], generator: generator));
        // A member's examples share its weights.
        var error = y.mean([1, 2]).std().item<float>() / Math.Sqrt(1000);
        Assert.That(y.mean().item<float>(), Is.EqualTo(Math.Pow(2, -n)).Within(4 * error));
        Assert.That(measured, Is.EqualTo(Math.Pow(2, -n)).Within(4 * error), "the specification's");
    }

    [Test]
    public void SparsityLossesByHand()
    {
        using var scope = NewDisposeScope();
        double Nau1(double w, RegularizerShape shape) => Nau(full([1, 1], w, ScalarType.Float64)).SparsityLoss(shape).item<double>();
        double Nmu1(double w, RegularizerShape shape) => Nmu(full([1, 1], w, ScalarType.Float64)).SparsityLoss(shape).item<double>();
        Assert.Multiple(() =>
        {
            foreach (var shape in Enum.GetValues<RegularizerShape>())
            {
                foreach (var w in new double[] { -1, 0, 1 }) Assert.That(Nau1(w, shape), Is.Zero);
                foreach (var w in new double[] { 0, 1 }) Assert.That(Nmu1(w, shape), Is.Zero);
                Assert.That(Nau1(-0.3, shape), Is.EqualTo(Nau1(0.3, shape)));
            }
            Assert.That(Nau1(0.5, RegularizerShape.Linear), Is.EqualTo(0.5));
            Assert.That(Nau1(0.5, RegularizerShape.Squared), Is.EqualTo(1 / 16.0));
            Assert.That(Nmu1(0.5, RegularizerShape.Linear), Is.EqualTo(0.5));
            Assert.That(Nmu1(0.5, RegularizerShape.Squared), Is.EqualTo(1 / 16.0));
            Assert.That(Nau1(1.5, RegularizerShape.Linear), Is.EqualTo(0.5), "no reward outside");
            using var nau = Nau(tensor(new[,] { { 1.5, -0.5, -1.25, 0 } }));
            Assert.That(nau.OutOfBoundsLoss().item<double>(), Is.EqualTo(0.75 / 4));
            using var nmu = Nmu(tensor(new[,] { { 1.5, -0.5, 0.75, 0.25 } }));
            Assert.That(nmu.OutOfBoundsLoss().item<double>(), Is.EqualTo(0.25));
            Assert.That(nau.SparsityError(), Is.EqualTo(0.5));
        });
    }

    [Test]
    public void TheInputLossIsItsFormula()
    {
        using var scope = NewDisposeScope();
        using var nmu = Nmu(tensor(new[,] { { 0.25, 1 }, { 0, 0.5 } }));
        var x = tensor(new[,] { { 1.0, 3 }, { 3, 5 } });          // means 2, 4
        Assert.That(nmu.InputLoss(x).item<double>(), Is.EqualTo((0.75 * 1 + 0 + 1 + 0.5 * 9) / 4).Within(1e-12));
    }

    [Test]
    public void Ramps()
    {
        var ramp = new RegularizerRamp(10, 100, 300);
        Assert.That(new[] { 0L, 100, 150, 200, 300, 1000 }.Select(ramp.At), Is.EqualTo(new[] { 0, 0, 2.5, 5, 10, 10 }));
        Assert.That(() => new RegularizerRamp(1, 5, 5), Throws.ArgumentException);
        Assert.That(() => new RegularizerRamp(-1, 0, 5), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new RegularizerRamp(1, -1, 5), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void WeightsAreKeptWithinTheirBounds()
    {
        using var scope = NewDisposeScope();
        using var nau = Nau(tensor(new[,] { { 1.7, -1.7, 0.3 } }));
        using var one = Nau(tensor(new[,] { { 1.0, -1, 0.3 } }));
        var x = tensor(new[] { 2.0, 5, 7 });
        Assert.That(nau.call(x).allclose(one.call(x), 0, 0));
        nau.ClampParameters();
        Assert.That(nau.Weight.allclose(one.Weight, 0, 0));
        using var nmu = new NeuralMultiplicationUnit(3, 1, epsilon: 0.125);
        Set(nmu, tensor(new[,] { { 1.7f, -1.7f, 0.3f } }));
        nmu.ClampParameters();
        Assert.That(nmu.Weight.allclose(tensor(new[,] { { 1, 0.125f, 0.3f } }), 0, 0));
        using var penalty = new NeuralMultiplicationUnit(1, 1, OutOfBounds.Penalty);
        Set(penalty, full([1, 1], 1.5f));
        penalty.ClampParameters();
        Assert.That(penalty.Weight.item<float>(), Is.EqualTo(1.5f));
        Assert.That(penalty.call(full([1, 1], 3f)).item<float>(), Is.EqualTo(3));
    }

    [Test]
    public void GradientChecks([Values] bool normalized)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var nau = new NeuralAdditionUnit(3, 2, generator: generator);
        using var nmu = new NeuralMultiplicationUnit(3, 2, normalized: normalized, generator: generator);
        var x = randn([4, 3], ScalarType.Float64, generator: generator);
        foreach (var layer in new BoundedLayer[] { nau, nmu })
        {
            layer.to(ScalarType.Float64);
            GradCheck.Run(inputs => [layer.call(inputs[0]!)], [x], secondOrder: !normalized, tolerance: 1e-6);
            GradCheck.Parameters(layer, () => layer.call(x), tolerance: 1e-6);
            GradCheck.Parameters(layer, () => layer.SparsityLoss(RegularizerShape.Squared), tolerance: 1e-6);
        }
    }

    [Test]
    public void NormalizedProductsAreTheSameAtWholeWeights([Values(null, 2L)] long? members)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        using var nmu = new NeuralMultiplicationUnit(4, 2, normalized: true, members: members);
        nmu.to(ScalarType.Float64);
        var chosen = randint(2, nmu.Weight.shape, ScalarType.Float64, generator: generator);
        Set(nmu, chosen);
        using var plain = new NeuralMultiplicationUnit(4, 2, members: members);
        plain.to(ScalarType.Float64);
        Set(plain, chosen);
        var x = 5 * randn(members is null ? [6, 3, 4] : [2, 6, 3, 4], ScalarType.Float64, generator: generator);
        Assert.That(nmu.call(x).allclose(plain.call(x), 1e-10, 1e-10));
        Assert.That(nmu.call(ones_like(x)).allclose(ones(1, ScalarType.Float64).expand(nmu.call(x).shape), 1e-12, 0));
    }

    [Test]
    public void AnyLeadingAxesAndTypes([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type,
        [Values] NauNmuUnit unit)
    {
        using var scope = NewDisposeScope();
        using var net = new NauNmu(new NauNmuConfig { InFeatures = 3, OutFeatures = 2, Units = [unit] });
        net.to(type);
        foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
        {
            var y = net.call(ones([.. leading, 3], type));
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.dtype, Is.EqualTo(type));
        }
    }

    [Test]
    public void MembersAreNetworksOfTheirOwn()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var config = new NauNmuConfig { InFeatures = 3, OutFeatures = 2 };
        using var many = new NauNmu(config with { Members = 3 }, generator);
        var x = randn([3, 2, 5, 3], generator: generator);
        var (all, errors) = (many.call(x), many.SparsityErrors());
        var loss = 0.0;
        for (var m = 0; m < 3; m++)
        {
            using var one = new NauNmu(config);
            one.load_state_dict(many.state_dict().ToDictionary(e => e.Key, e => e.Value[m]));
            Assert.That(one.call(x[m]).allclose(all[m], 1e-4, 1e-5));
            Assert.That(one.SparsityErrors(), Is.EqualTo(new[] { errors[m] }).Within(1e-12));
            Assert.That(one.Formula(), Is.EqualTo(many.Formula(member: m)));
            loss += one.Layers.Sum(l => l.SparsityLoss().item<float>());
        }
        Assert.That(many.Layers.Sum(l => l.SparsityLoss().item<float>()), Is.EqualTo(loss).Within(1e-5));
        Assert.That(many.state_dict().Keys, Is.EqualTo(new[] { "layer_1.W", "layer_2.W" }));
    }

    [Test]
    public void FormulasCanBeRead()
    {
        using var scope = NewDisposeScope();
        using var net = new NauNmu(new NauNmuConfig { InFeatures = 4, HiddenFeatures = 3 });
        Set(net.Layers[0], tensor(new float[,] { { 1, 1, 0, -1 }, { 0, 0, 1, 0 }, { 0, -0.5f, 0, 0 } }));
        Set(net.Layers[1], tensor(new[,] { { 1f, 0.9999f, 0 } }));
        Assert.That(net.Formula(), Is.EqualTo("(x0+x1-x3)*x2"));
        Set(net.Layers[1], tensor(new[,] { { 0f, 1, 0.25f } }));
        Assert.That(net.Formula(), Is.EqualTo("x2*(0.25*(-0.5*x1)+0.75)"));
        using var nmu = Nmu(tensor(new double[,] { { 0, 1, 0, 1 } }));
        Assert.That(nmu.Formula(), Is.EqualTo("x1*x3"));
        Assert.That(() => nmu.Formula(member: 1), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void TheThresholdIsThatOfAlmostPerfectSums()
    {
        var range = new SampleRange(2, 6);
        // One number each, no other: (1 − ε) a + (1 − ε) b is off by ε (a + b).
        var task = new ArithmeticTask(ArithmeticOperation.Add, 2, [0], [0]);
        const double meanSquare = 52 / 3.0;
        // The other number's weight is ±ε: on the worse side, off by 2 ε (x − y) or 2 ε (x + y).
        var worst = 4e-10 * (2 * meanSquare + 2 * 16);
        Assert.That(ArithmeticSuccessCriterion.Threshold(task, 1e-5, range, 200_000), Is.EqualTo(worst).Within(worst * 0.01));
        var simple = new ArithmeticTask(ArithmeticOperation.Multiply, 4, [0, 1, 2, 3], [0, 1]);
        Assert.That(ArithmeticSuccessCriterion.Threshold(simple, 1e-5, range, 200_000), Is.EqualTo(1.65e-5).Within(1e-6),
            "the specification's is 1.6e-5");
        Assert.That(() => ArithmeticSuccessCriterion.Threshold(simple, 0, range), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void IntervalsOfRates()
    {
        // Wilson's interval, by its textbook values.
        var (low, high) = ArithmeticSuccessCriterion.Interval(16, 20);
        Assert.That(low, Is.EqualTo(0.5840).Within(1e-4));
        Assert.That(high, Is.EqualTo(0.9193).Within(1e-4));
        Assert.That(ArithmeticSuccessCriterion.Interval(0, 20).Low, Is.Zero);
        Assert.That(ArithmeticSuccessCriterion.Interval(0, 20).High, Is.EqualTo(0.1611).Within(1e-4));
        Assert.That(ArithmeticSuccessCriterion.Interval(20, 20).High, Is.EqualTo(1));
        Assert.That(() => ArithmeticSuccessCriterion.Interval(3, 2), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => ArithmeticSuccessCriterion.Interval(0, 0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void TrainingClampsAndRegularises()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(10);
        using var net = new NauNmu(new NauNmuConfig { InFeatures = 4 }, generator);
        var regularizer = new ArithmeticSparsityRegularizer(new RegularizerRamp(1, 10, 20));
        Assert.That(regularizer.Loss(net, 10), Is.Null);
        var sum = net.Layers.Sum(l => l.SparsityLoss().item<float>());
        Assert.That(regularizer.Loss(net, 15)!.item<float>(), Is.EqualTo(sum / 2).Within(1e-6));
        Assert.That(regularizer.Loss(nn.Linear(1, 1), 15), Is.Null);
        var trainer = new Trainer(net, new TrainerOptions { BatchSize = 8 })
        { Step = new ArithmeticTraining(regularizer), Optimizer = p => new Optimizers.FusedAdam(p, 0.5) };
        var task = new ArithmeticTask(ArithmeticOperation.Multiply, 4, [0, 1, 2, 3], [0, 1]);
        trainer.Fit(new ArithmeticStream(task, new(1, 2)), 30);
        foreach (var layer in net.Layers)
            Assert.That((layer.Weight.min().item<float>(), layer.Weight.max().item<float>()) is var (low, high)
                && low >= layer.Bounds.Low && high <= layer.Bounds.High);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var nmu = new NeuralMultiplicationUnit(3, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => nmu.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => nmu.InputLoss(zeros(2, 4)), Throws.ArgumentException);
            Assert.That(() => nmu.call(zeros(2, 3, ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => new NeuralMultiplicationUnit(0, 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new NeuralMultiplicationUnit(1, 1, epsilon: 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new NeuralAdditionUnit(1, 1, members: -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new NauNmu(new NauNmuConfig { InFeatures = 2, Units = [] }), Throws.ArgumentException);
        });
    }

    private static NeuralMultiplicationUnit Nmu(Tensor weight) => With(new NeuralMultiplicationUnit(weight.shape[1], weight.shape[0]),
        weight);

    private static NeuralAdditionUnit Nau(Tensor weight) => With(new NeuralAdditionUnit(weight.shape[1], weight.shape[0]), weight);

    private static T With<T>(T layer, Tensor weight) where T : BoundedLayer
    {
        layer.to(ScalarType.Float64);
        Set(layer, weight);
        return layer;
    }

    private static void Set(BoundedLayer layer, Tensor weight)
    {
        using var off = no_grad();
        layer.Weight.copy_(weight);
    }
}
