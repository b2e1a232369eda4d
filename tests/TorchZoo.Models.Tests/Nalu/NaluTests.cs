using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class NaluTests
{
    private const NaluMulMode Normal = NaluMulMode.Normal;

    [Test]
    public void SaturatedWeightsAreOnesAndLess()
    {
        using var scope = NewDisposeScope();
        using var nac = Nac([[1]], 20);
        using var weight = nac.Weight;
        Assert.That(weight.item<double>(), Is.LessThan(1).And.EqualTo(1).Within(3e-9));
        using var random = new NeuralAccumulator(30, 20, NacInit.Stable);
        using var others = random.Weight;
        Assert.That(others.abs().max().item<float>(), Is.LessThan(1));
    }

    [Test, Category("Property")]
    public void SaturatedUnitsCalculateExactly() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 1000]).Sample((n, seed) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var signs = (2 * randint(2, [1, n], ScalarType.Float64, generator: generator) - 1);
        var x = randn([7, n], ScalarType.Float64, generator: generator);
        x = x.sign() * (x.abs() + 0.3);
        using var nac = Nac(signs, 20);
        using var off = Nac(signs, -20);
        using var product = Product(signs, 20);
        var sums = (x * signs).sum([-1], keepdim: true);
        var products = x.abs().pow(signs).prod(-1, keepdim: true);
        Assert.That((nac.call(x) - sums).abs().max().item<double>(), Is.LessThan(1e-7));
        Assert.That(((off.call(x).abs() - 1e-7 * x.abs().sum([-1], keepdim: true)).max()).item<double>(), Is.LessThanOrEqualTo(0));
        var bound = (1e-7 / x.abs()).sum([-1], keepdim: true) + 1e-7;
        Assert.That(((product.call(x) - products).abs() / products / bound).max().item<double>(), Is.LessThanOrEqualTo(1));
        // Even in every input.
        Assert.That(product.call(x).allclose(product.call(-x), 0, 0));
    }, iter: 30, threads: 1);

    [Test]
    public void TheGateChooses()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var x = rand([20, 3], ScalarType.Float64, generator: generator) + 1;
        using var nalu = new NeuralArithmeticLogicUnit(3, 2, generator: generator);
        nalu.to(ScalarType.Float64);
        foreach (var (level, ofSum) in new[] { (50.0, true), (-50, false) })
        {
            Set(nalu, "G", full([2, 3], level, ScalarType.Float64));
            var (add, mul, gate) = nalu.Parts(x);
            Assert.That((nalu.call(x) - (ofSum ? add : mul)).abs().max().item<double>(), Is.LessThan(1e-6));
            Assert.That(gate.mean().item<double>(), Is.EqualTo(ofSum ? 1 : 0).Within(1e-12));
        }
    }

    [Test]
    public void OptionsAreTheFormulas([Values] bool twoNac, [Values] bool twoGate, [Values] bool gateBias, [Values(null, 2L)] long? members)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        using var nalu = new NeuralArithmeticLogicUnit(3, 2, 1e-7, twoNac, twoGate, gateBias, members: members, generator: generator);
        nalu.to(ScalarType.Float64);
        if (gateBias) Set(nalu, "bias", randn(members is null ? [2] : [2, 2], ScalarType.Float64, generator: generator));
        var state = nalu.state_dict();
        string[] names =
        [
            "G", "nac.M_hat", "nac.W_hat", .. twoNac ? ["nac_mul.M_hat", "nac_mul.W_hat"] : Array.Empty<string>(),
            .. twoGate ? ["G_mul"] : Array.Empty<string>(), .. gateBias ? ["bias"] : Array.Empty<string>(),
        ];
        Assert.That(state.Keys, Is.EquivalentTo(names));
        var x = randn(members is null ? [5, 3] : [2, 5, 3], ScalarType.Float64, generator: generator);
        Tensor Of(string name) => members is null ? state[name].unsqueeze(0) : state[name];
        Tensor Weight(string name) => Of(name + ".W_hat").tanh() * Of(name + ".M_hat").sigmoid();
        var rows = members is null ? x.unsqueeze(0) : x;
        var (a, m) = (rows.matmul(Weight("nac").mT), (rows.abs() + 1e-7).log().matmul(Weight(twoNac ? "nac_mul" : "nac").mT).exp());
        Tensor Gate(string name) => (rows.matmul(Of(name).mT) + (gateBias ? Of("bias").unsqueeze(1) :
            zeros(1, ScalarType.Float64))).sigmoid();
        var expected = Gate("G") * a + (twoGate ? Gate("G_mul") : 1 - Gate("G")) * m;
        Assert.That((nalu.call(x) - (members is null ? expected[0] : expected)).abs().max().item<double>(), Is.LessThan(1e-12));
    }

    [Test]
    public void WaysToMultiplyByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[,] { { 3.0, 0.5 } });
        double Of(NaluMulMode mode)
        {
            using var product = Product(tensor(new[,] { { 1.0, 1.0 } }), 30, mode);
            return product.call(x).item<double>();
        }
        Assert.Multiple(() =>
        {
            Assert.That(Of(Normal), Is.EqualTo(1.5).Within(1e-6));
            Assert.That(Of(NaluMulMode.Safe), Is.EqualTo(3 * 1.5).Within(1e-6));
            Assert.That(Of(NaluMulMode.MaxSafe), Is.EqualTo(3).Within(1e-6));
            Assert.That(Of(NaluMulMode.Trig), Is.EqualTo(Math.Sinh(Math.Asinh(3) + Math.Asinh(0.5))).Within(1e-6));
        });
    }

    [Test]
    public void GradientsAreTheChainRules()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var x = randn([6, 3], ScalarType.Float64, generator: generator);
        x = x.sign() * (x.abs() + 0.1);
        Tensor W = randn([2, 3], ScalarType.Float64, generator: generator), M = randn([2, 3], ScalarType.Float64, generator: generator);
        using var nac = new NeuralAccumulator(3, 2);
        nac.to(ScalarType.Float64);
        Set(nac, "W_hat", W);
        Set(nac, "M_hat", M);
        nac.call(x).square().sum().backward();
        var byWeight = 2 * (x.matmul((W.tanh() * M.sigmoid()).mT)).mT.matmul(x);
        var sigma = M.sigmoid();
        Assert.That(nac.get_parameter("M_hat")!.grad!.allclose(byWeight * W.tanh() * sigma * (1 - sigma), 1e-10, 1e-10));
        Assert.That(nac.get_parameter("W_hat")!.grad!.allclose(byWeight * (1 - W.tanh().square()) * sigma, 1e-10, 1e-10));
    }

    [Test]
    public void GradCheckOfEveryMode([Values] NaluMulMode mode)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        using var nalu = new NeuralArithmeticLogicUnit(3, 2, twoNac: true, twoGate: true, gateBias: true, mul: mode, generator: generator);
        using var product = new MultiplicativeNeuralAccumulator(3, 2, mul: mode, generator: generator);
        foreach (var module in new nn.Module<Tensor, Tensor>[] { nalu, product })
        {
            module.to(ScalarType.Float64);
            // Away from 0 and 1, where the absolute values have corners.
            var x = tensor(new[,] { { 0.4, 1.7, -0.6 }, { 2.5, -1.3, 0.8 } });
            GradCheck.Run(inputs => [module.call(inputs[0]!)], [x], tolerance: 1e-6);
            GradCheck.Parameters(module, () => module.call(x), tolerance: 1e-6);
        }
    }

    [Test]
    public void ScalesWithItsInput()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var nac = new NeuralAccumulator(4, 3, generator: generator);
        nac.to(ScalarType.Float64);
        var x = randn([5, 4], ScalarType.Float64, generator: generator);
        foreach (var c in new[] { 1000, -3.7, 1e-6 })
            Assert.That(nac.call(c * x).allclose(c * nac.call(x), 1e-12, 1e-18));
    }

    [Test]
    public void ProductsAreMultiplicative()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        using var product = new MultiplicativeNeuralAccumulator(4, 3, eps: 1e-300, generator: generator);
        product.to(ScalarType.Float64);
        Tensor x = randn([5, 4], ScalarType.Float64, generator: generator), z = randn([5, 4], ScalarType.Float64, generator: generator);
        Assert.That(product.call(x * z).allclose(product.call(x) * product.call(z), 1e-6, 0));
    }

    [TestCase(4, 2, 5.425508)]
    [TestCase(100, 2, 0.503909)]
    [TestCase(10, 10, 1.355347)]
    [TestCase(2, 1, 9.471406)]
    public void StableRadii(long inFeatures, long outFeatures, double radius) =>
        Assert.That(NacInitialization.StableRadius(inFeatures, outFeatures), Is.EqualTo(radius).Within(1e-5));

    [Test]
    public void VarianceOfWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        Assert.That(NacInitialization.WeightVariance(1.7), Is.EqualTo(0.13346).Within(1e-5));
        Tensor Draw() => empty([1_000_000], ScalarType.Float64).uniform_(-1.7, 1.7, generator);
        Assert.That((Draw().tanh() * Draw().sigmoid()).var().item<double>(), Is.EqualTo(0.1335).Within(1e-3));
    }

    [Test]
    public void InitialWeightsFillTheirIntervals()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(10);
        foreach (var (init, radius, gate) in new[]
        {
            (NacInit.Kaiming, Math.Sqrt(6.0 / 100), 0.1),
            (NacInit.Stable, NacInitialization.StableRadius(100, 50), Math.Sqrt(6.0 / 150)),
        })
        {
            using var nalu = new NeuralArithmeticLogicUnit(100, 50, init: init, generator: generator);
            foreach (var (name, value) in nalu.state_dict())
                Assert.That(value.abs().max().item<float>() / (name == "G" ? gate : radius), Is.InRange(0.99, 1.0001), name);
        }
    }

    [Test]
    public void ZeroAndHugeInputsStayFinite([Values] NaluMulMode mode, [Values(0, 1e6, -1e6)] double value)
    {
        using var scope = NewDisposeScope();
        foreach (var weight in new[] { 1.0, -1 })
        {
            using var nalu = new NeuralArithmeticLogicUnit(100, 2, mul: mode);
            Set(nalu, "nac.W_hat", full([2, 100], 20 * weight));
            Set(nalu, "nac.M_hat", full([2, 100], 20));
            var x = full([3, 100], value).to(ScalarType.Float32).requires_grad_();
            var y = nalu.call(x);
            y.sum().backward();
            Assert.That(y.isfinite().all().item<bool>(), "output");
            Assert.That(nalu.parameters().Append(x).All(p => p.grad!.isfinite().all().item<bool>()), "gradients");
        }
    }

    [Test]
    public void AnyLeadingAxesAndTypes([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type,
        [Values] NaluUnit unit)
    {
        using var scope = NewDisposeScope();
        using var net = new Nalu(new NaluConfig { InFeatures = 3, OutFeatures = 2, Units = [unit] });
        net.to(type);
        foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
        {
            var y = net.call(ones([.. leading, 3], type));
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.dtype, Is.EqualTo(type));
        }
    }

    [Test]
    public void MembersAreNetworksOfTheirOwn([Values] NaluUnit unit)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(11);
        var config = new NaluConfig { InFeatures = 3, OutFeatures = 2, Units = [unit, unit], GateBias = true };
        using var many = new Nalu(config with { Members = 3 }, generator);
        var x = rand([3, 2, 5, 3], generator: generator) + 0.5;
        var all = many.call(x);
        for (var m = 0; m < 3; m++)
        {
            using var one = new Nalu(config);
            one.load_state_dict(many.state_dict().ToDictionary(e => e.Key, e => e.Value[m]));
            Assert.That(one.call(x[m]).allclose(all[m], 1e-4, 1e-5));
        }
        Assert.That(many.state_dict().Keys, Is.All.StartsWith("model."));
    }

    [Test]
    public void BenchmarkNames()
    {
        using var scope = NewDisposeScope();
        var state = new Dictionary<string, Tensor>();
        foreach (var name in new[] { "layer_1.nac_add.W_hat", "layer_1.nac_add.M_hat", "layer_2.G_add", "layer_2.nac_mul.W_hat",
            "G_add", "nac_add.W_hat" })
            state[name] = zeros(1);
        Assert.That(NaluStateNames.FromBenchmark(state).Keys, Is.EqualTo(new[]
        { "model.0.nac.W_hat", "model.0.nac.M_hat", "model.1.G", "model.1.nac_mul.W_hat", "G", "nac.W_hat" }));
    }

    [Test]
    public void CellsAddUpASequence()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(12);
        using var cell = new NacCell(2, 1, generator: generator);
        cell.to(ScalarType.Float64);
        Set(cell, "nac.W_hat", tensor(new[,] { { 20.0, -20, 20 } }));
        Set(cell, "nac.M_hat", full([1, 3], 40, ScalarType.Float64));
        var x = randn([30, 4, 2], ScalarType.Float64, generator: generator);
        var y = cell.Sequence(x);
        Assert.That(y.shape, Is.EqualTo(new long[] { 30, 4, 1 }));
        Assert.That((y - (x.narrow(-1, 0, 1) - x.narrow(-1, 1, 1)).cumsum(0)).abs().max().item<double>(), Is.LessThan(1e-12));
        using var nalu = new NaluCell(2, 3);
        Assert.That(nalu.state_dict().Keys, Is.EquivalentTo(new[] { "nalu.G", "nalu.nac.W_hat", "nalu.nac.M_hat" }));
        Assert.That(nalu.call(ones(5, 2), zeros(5, 3)).shape, Is.EqualTo(new long[] { 5, 3 }));
        Assert.That(() => nalu.call(ones(5, 2), zeros(4, 3)), Throws.ArgumentException);
        Assert.That(() => nalu.call(ones(5, 3), zeros(5, 3)), Throws.ArgumentException);
        Assert.That(() => cell.Sequence(zeros(0, 4, 2)), Throws.ArgumentException);
    }

    [Test]
    public void WeightsFollowTheParameters()
    {
        using var scope = NewDisposeScope();
        using var nac = new NeuralAccumulator(2, 1);
        var before = nac.call(ones(1, 2)).item<float>();
        Set(nac, "W_hat", full([1, 2], 3f));
        Assert.That(nac.call(ones(1, 2)).item<float>(), Is.Not.EqualTo(before).Within(1e-3));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var nalu = new NeuralArithmeticLogicUnit(3, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => new NeuralAccumulator(0, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NeuralAccumulator(1, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NeuralAccumulator(1, 1, members: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NeuralArithmeticLogicUnit(1, 1, eps: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new MultiplicativeNeuralAccumulator(1, 1, eps: double.NaN), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NeuralArithmeticLogicUnit(1, 1, logClamp: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => nalu.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => nalu.Parts(zeros([], ScalarType.Float32)), Throws.ArgumentException);
            Assert.That(() => nalu.call(zeros(2, 3, ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => new Nalu(new NaluConfig { InFeatures = 2, Units = [] }), Throws.ArgumentException);
            Assert.That(() => NacInitialization.WeightVariance(0), Throws.InstanceOf<ArgumentException>());
        });
    }

    private static NeuralAccumulator Nac(double[][] signs, double m) =>
        Nac(tensor(signs.SelectMany(r => r).ToArray()).reshape(signs.Length, -1), m);

    private static NeuralAccumulator Nac(Tensor signs, double m) => Saturated(new NeuralAccumulator(signs.shape[1], signs.shape[0]),
        signs, m);

    private static MultiplicativeNeuralAccumulator Product(Tensor signs, double m, NaluMulMode mode = Normal) =>
        Saturated(new MultiplicativeNeuralAccumulator(signs.shape[1], signs.shape[0], mul: mode), signs, m);

    private static T Saturated<T>(T layer, Tensor signs, double m) where T : NacLayer
    {
        layer.to(ScalarType.Float64);
        Set(layer, "W_hat", 20 * signs);
        Set(layer, "M_hat", full(signs.shape, m, ScalarType.Float64));
        return layer;
    }

    private static void Set(nn.Module module, string name, Tensor value)
    {
        using var off = no_grad();
        module.state_dict()[name].copy_(value);
    }
}
