using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class PiNetTests
{
    private const ScalarType Double = ScalarType.Float64;

    private static IEnumerable<PolynomialForm> Forms => Enum.GetValues<PolynomialForm>();

    // Interpolated at Chebyshev's points in the monomials' base: what is above the degree has to vanish.
    [Test]
    public void AlongARayItIsAPolynomialOfItsDegree([ValueSource(nameof(Forms))] PolynomialForm form, [Values(1, 2, 4)] int degree)
    {
        using var scope = NewDisposeScope();
        using var net = Create(form, 3, 5, degree, 2);
        var direction = randn([3], Double, generator: new Generator(3));
        Assert.That(net.Degree, Is.EqualTo(degree));
        CheckDegree(t => net.call(t.unsqueeze(1) * direction), degree, 1e-12);
    }

    [Test]
    public void ProductsOfPolynomialsHaveTheProductOfTheDegrees()
    {
        using var scope = NewDisposeScope();
        using var product = new ProductOfPolynomials(Create(PolynomialForm.Ccp, 3, 4, 2, 3), Create(PolynomialForm.NcpSkip, 3, 4, 3, 2));
        Assert.That(product.Degree, Is.EqualTo(6));
        var direction = tensor(new[] { 0.3, -0.5, 0.4 });
        CheckDegree(t => product.call(t.unsqueeze(1) * direction), 6, 1e-11);
        using var net = new PiNet(new PiNetConfig { InFeatures = 3, OutFeatures = 1, Degree = 2, Polynomials = 3 });
        Assert.That(net.Degree, Is.EqualTo(8));
        Assert.That(net.state_dict().Keys, Does.Contain("polynomial.polynomials.2.U.1.weight"));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(7)]
    public void CcpIsItsClosedForm(int degree)
    {
        using var scope = NewDisposeScope();
        using var net = Create(PolynomialForm.Ccp, 4, 6, degree, 3);
        var state = net.state_dict();
        var z = randn([2, 5, 4], Double);
        Tensor U(int n) => z.matmul(state[$"U.{n}.weight"].mT);
        var product = U(1);
        for (var n = 2; n <= degree; n++) product = product * (1 + U(n));
        var expected = nn.functional.linear(product, state["C.weight"], state["C.bias"]);
        Assert.That((net.call(z) - expected).abs().max().item<double>(), Is.LessThan(1e-12 * (1 + expected.abs().max().item<double>())));
        using var off = no_grad();
        for (var n = 2; n <= degree; n++) state[$"U.{n}.weight"].zero_();
        Assert.That(net.call(z).allclose(nn.functional.linear(U(1), state["C.weight"], state["C.bias"]), 0, 1e-14));
        state["C.bias"].zero_();
        Assert.That(net.call(zeros(1, 4, dtype: Double)).abs().max().item<double>(), Is.Zero);
    }

    [Test]
    public void NestedFormsAreTheirRecursions([Values] bool withSkip)
    {
        using var scope = NewDisposeScope();
        using var net = Create(withSkip ? PolynomialForm.NcpSkip : PolynomialForm.Ncp, 3, 4, 3, 2);
        var state = net.state_dict();
        var z = randn([6, 3], Double);
        Tensor A(int n) => z.matmul(state[$"A.{n}.weight"].mT);
        var x = A(1) * state["B.1"];
        for (var n = 2; n <= 3; n++)
            x = A(n) * (x.matmul(state[$"S.{n}.weight"].mT) + state[$"B.{n}"]) + (withSkip ? x.matmul(state[$"V.{n}.weight"].mT) : 0 * x);
        Assert.That(net.call(z).allclose(nn.functional.linear(x, state["C.weight"], state["C.bias"]), 0, 1e-13));
    }

    [Test]
    public void NcpWithoutItsProductsIsLinearAndWithoutVectorsHomogeneous()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var linear = Create(PolynomialForm.Ncp, 3, 4, 4, 2);
        foreach (var (name, value) in linear.state_dict())
            if (name.StartsWith('S')) value.zero_();
        var direction = randn([3], Double);
        CheckDegree(t => linear.call(t.unsqueeze(1) * direction), 1, 1e-13);
        using var homogeneous = Create(PolynomialForm.Ncp, 3, 4, 4, 2);
        foreach (var (name, value) in homogeneous.state_dict())
            if (name is "B.2" or "B.3" or "B.4" or "C.bias") value.zero_();
        var z = randn([5, 3], Double);
        Assert.That(homogeneous.call(1.7 * z).allclose(Math.Pow(1.7, 4) * homogeneous.call(z), 1e-12, 1e-14));
    }

    [Test]
    public void HighDegreesStartSmall()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        using var net = new CcpNet(4, 2000, 16, 1, generator);
        var state = net.state_dict();
        Assert.That(state["U.1.weight"].std().item<float>(), Is.EqualTo(0.5).Within(0.02));
        Assert.That(state["U.2.weight"].std().item<float>(), Is.EqualTo(0.125).Within(0.005));
        using var low = new CcpNet(4, 2000, 8, 1, generator);
        Assert.That(low.state_dict()["U.8.weight"].std().item<float>(), Is.EqualTo(0.5).Within(0.02));
    }

    [Test]
    public void MultiplicativeLayers([Values] MultiplicativeSkip skip)
    {
        using var scope = NewDisposeScope();
        var config = new MultiplicativeMlpConfig { InFeatures = 2, HiddenFeatures = 128, Depth = 3, OutFeatures = 1, Skip = skip };
        using var large = new MultiplicativeMlp(config, new Generator(6));
        Assert.That(large.parameters().Sum(p => p.numel()), Is.EqualTo(34_689));
        Assert.That(large.state_dict()["skip.1.weight"].std().item<float>(),
            Is.EqualTo(skip == MultiplicativeSkip.None ? 1 : 0.5).Within(0.1));
        using var net = new MultiplicativeMlp(config with { HiddenFeatures = 5 });
        net.to(Double);
        var state = net.state_dict();
        var x = randn([4, 2], Double);
        Assert.That(net.call(x).allclose(ByHand(multiplied: true), 0, 1e-13));
        // Factors of 1, or none beside the skip connection: the plain network.
        using var off = no_grad();
        for (var l = 0; l < 3; l++)
        {
            state[$"skip.{l}.weight"].zero_();
            state[$"skip.{l}.bias"].fill_(skip == MultiplicativeSkip.None ? 1 : 0);
        }
        Assert.That(net.call(x).allclose(ByHand(multiplied: false), 0, 0));

        Tensor ByHand(bool multiplied)
        {
            var h = x;
            for (var l = 0; l < 3; l++)
            {
                var a = Layer($"hidden.{l}", h).relu();
                h = !multiplied ? a : a * Layer($"skip.{l}", x) + (skip == MultiplicativeSkip.Residual ? a : 0 * a);
            }
            return Layer("output", h);
        }

        Tensor Layer(string name, Tensor of) => nn.functional.linear(of, state[$"{name}.weight"], state[$"{name}.bias"]);
    }

    [Test]
    public void Names()
    {
        var config = new PiNetConfig { InFeatures = 2, HiddenFeatures = 3, Degree = 2, OutFeatures = 1, Form = PolynomialForm.NcpSkip };
        using var net = new PiNet(config);
        Assert.That(net.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EquivalentTo(new[]
        {
            "polynomial.C.weight 1×3", "polynomial.C.bias 1", "polynomial.A.1.weight 3×2", "polynomial.A.2.weight 3×2", "polynomial.B.1 3",
            "polynomial.B.2 3", "polynomial.S.2.weight 3×3", "polynomial.V.2.weight 3×3",
        }));
    }

    [Test]
    public void LeadingAxesAndTypes([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var mlp = new MultiplicativeMlp(new MultiplicativeMlpConfig { InFeatures = 3, HiddenFeatures = 4, OutFeatures = 2 });
        nn.Module<Tensor, Tensor>[] all = [mlp, .. Forms.Select(f => new PiNet(new PiNetConfig
        {
            InFeatures = 3,
            HiddenFeatures = 4,
            Degree = 3,
            OutFeatures = 2,
            Form = f,
        }))];
        foreach (var net in all)
        {
            net.to(type);
            foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
            {
                var y = net.call(randn([.. leading, 3], type));
                Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
                Assert.That(y.dtype, Is.EqualTo(type));
            }
            net.Dispose();
        }
    }

    [Test]
    public void Gradients()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var config = new MultiplicativeMlpConfig { InFeatures = 3, HiddenFeatures = 4, Depth = 2, OutFeatures = 2 };
        using var mlp = new MultiplicativeMlp(config, generator);
        nn.Module<Tensor, Tensor>[] all = [mlp, new ProductOfPolynomials(Create(PolynomialForm.Ccp, 3, 3, 2, 3),
            Create(PolynomialForm.Ccp, 3, 3, 2, 2)), .. Forms.Select(f => Create(f, 3, 4, 3, 2))];
        var x = randn([2, 3], Double, generator: generator);
        foreach (var net in all)
        {
            net.to(Double);
            // A bias of 0 behind units that are off is a kink.
            using (no_grad())
                foreach (var (name, parameter) in net.named_parameters())
                    if (name.EndsWith("bias", StringComparison.Ordinal)) parameter.normal_(0, 1, generator);
            GradCheck.Run(inputs => [net.call(inputs[0]!)], [x]);
            GradCheck.Parameters(net, () => net.call(x));
            net.Dispose();
        }
    }

    [Test]
    public void KernelsOnTheCircle()
    {
        using var scope = NewDisposeScope();
        var relu = SphericalNtk.CircleSpectrum(SphericalNtk.Relu, 400).data<double>().ToArray();
        var multiplicative = SphericalNtk.CircleSpectrum(SphericalNtk.Multiplicative, 400).data<double>().ToArray();
        Assert.That(relu[..9], Is.EqualTo(new[] { 0.607931, 0.5, 0.157615, 0, 0.017116, 0, 0.006456, 0, 0.003425 }).Within(1e-5));
        Assert.That(multiplicative[..10], Is.EqualTo(new[] { 0.75, 0.607931, 0.375, 0.110782, 0, 0.012852, 0, 0.005157, 0, 0.002851 })
            .Within(1e-5));
        // cos θ moves half of each harmonic up, and half down.
        var before = SphericalNtk.CircleSpectrum(t => SphericalNtk.Kappa1(t) + SphericalNtk.Relu(t), 400).data<double>().ToArray();
        for (var k = 1; k < before.Length - 1; k++)
            Assert.That(multiplicative[k], Is.EqualTo((before[k - 1] + before[k + 1]) / 2).Within(1e-14), $"{k}");
        Assert.That(multiplicative[0], Is.EqualTo(before[1]).Within(1e-14));
    }

    [Test]
    public void KernelsAreThoseOfWideNetworks()
    {
        const int width = 20_000, angles = 40;
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        Tensor w = Draw(2), v = Draw(2), c = Draw(1).squeeze(1);
        var theta = linspace(0, Math.PI, angles, Double);
        var x = stack([theta.cos(), theta.sin()], 1);
        Check(SphericalNtk.Relu(theta), x => (c * w.matmul(x).relu()).sum(), [w, c]);
        Check(SphericalNtk.Multiplicative(theta), x => (c * v.matmul(x) * w.matmul(x).relu()).sum(), [w, v, c]);

        Tensor Draw(int columns) => randn([width, columns], Double, generator: generator).requires_grad_();

        void Check(Tensor expected, Func<Tensor, Tensor> sum, Tensor[] parameters)
        {
            Tensor Gradient(Tensor at) =>
                cat([.. autograd.grad([Math.Sqrt(2.0 / width) * sum(at)], parameters).Select(g => g.flatten())]);
            var rows = stack([.. Enumerable.Range(0, angles).Select(i => Gradient(x[i]))]);
            Assert.That((rows.matmul(rows[0]) - expected).abs().max().item<double>(), Is.LessThan(0.08));
        }
    }

    [Test]
    public void TheProbeSeesFrequencies()
    {
        using var scope = NewDisposeScope();
        var angle = arange(64, Double) * (2 * Math.PI / 64);
        var target = 2 * (3 * angle + 0.4).sin() + (7 * angle).cos() + 0.5 * (11 * angle).sin();
        var probe = new SpectralBiasProbe(target, 3, 7, 11);
        Assert.That(probe.Record(0, zeros(64)), Is.EqualTo(new[] { 2, 1, 0.5 }).Within(1e-12));
        probe.Record(10, target - 0.3 * (3 * angle).sin());
        probe.Record(20, target - 0.9 * (7 * angle + 1).sin());
        Assert.That(probe.Record(30, (target + 0.1 * (11 * angle).sin()).unsqueeze(1)), Is.EqualTo(new[] { 0, 0, 0.1 }).Within(1e-12));
        Assert.That(probe.Steps, Is.EqualTo(new[] { 0, 10, 20, 30 }));
        Assert.That(probe.Shares(3), Is.EqualTo(new[] { 1, 0.15, 0, 0 }).Within(1e-12));
        Assert.That(probe.FirstStepBelow(0.2).Take(2), Is.EqualTo(new long?[] { 10, 30 }));
        Assert.That(probe.FirstStepBelow(0.2, andStays: false).Take(2), Is.EqualTo(new long?[] { 10, 10 }));
        Assert.That(probe.FirstStepBelow(0.1)[0], Is.EqualTo(20));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var ccp = new CcpNet(3, 4, 2, 2);
        var wave = (arange(16, Double) * (2 * Math.PI / 16)).sin();
        var probe = new SpectralBiasProbe(wave, 1);
        var config = new PiNetConfig { InFeatures = 3, OutFeatures = 1 };
        var mlpConfig = new MultiplicativeMlpConfig { InFeatures = 3, OutFeatures = 1 };
        using var mlp = new MultiplicativeMlp(mlpConfig);
        Assert.Multiple(() =>
        {
            Assert.That(() => ccp.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => mlp.call(zeros([], ScalarType.Float32)), Throws.ArgumentException);
            Assert.That(() => new CcpNet(3, 4, 0, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NcpNet(3, 0, 2, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new NcpSkipNet(0, 4, 2, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new ProductOfPolynomials(), Throws.ArgumentException);
            Assert.That(() => new ProductOfPolynomials(ccp, ccp), Throws.ArgumentException);
            Assert.That(() => new PiNet(config with { Degree = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PiNet(config with { Polynomials = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PiNet(config with { Form = (PolynomialForm)5 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new MultiplicativeMlp(mlpConfig with { Depth = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SphericalNtk.CircleSpectrum(SphericalNtk.Relu, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SphericalNtk.CircleSpectrum(t => t.sum(), 8), Throws.ArgumentException);
            Assert.That(() => new SpectralBiasProbe(wave), Throws.ArgumentException);
            Assert.That(() => new SpectralBiasProbe(wave, 8), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new SpectralBiasProbe(wave, 1, 3), Throws.ArgumentException, "there is none of it");
            Assert.That(() => probe.Record(0, zeros(8)), Throws.ArgumentException);
            Assert.That(() => probe.Shares(2), Throws.ArgumentException);
            Assert.That(() => probe.FirstStepBelow(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
        probe.Record(5, wave);
        Assert.That(() => probe.Record(5, wave), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static void CheckDegree(Func<Tensor, Tensor> along, int degree, double tolerance)
    {
        const int above = 4;
        var count = degree + above + 1;
        var t = ((arange(count, ScalarType.Float64) + 0.5) * (Math.PI / count)).cos();
        var powers = stack([.. Enumerable.Range(0, count).Select(k => t.pow(k))], 1);
        using var off = no_grad();
        var coefficients = linalg.solve(powers, along(t));
        var size = coefficients.abs().max().item<double>();
        Assert.That(coefficients[(degree + 1)..].abs().max().item<double>(), Is.LessThan(tolerance * Math.Max(1, size)));
        Assert.That(coefficients[degree].abs().max().item<double>(), Is.GreaterThan(1e-6), "and not of a lower one");
    }

    private static PolynomialNet Create(PolynomialForm form, long from, long hidden, int degree, long to)
    {
        var generator = new Generator(11);
        PolynomialNet net = form switch
        {
            PolynomialForm.Ccp => new CcpNet(from, hidden, degree, to, generator),
            PolynomialForm.Ncp => new NcpNet(from, hidden, degree, to, generator),
            _ => new NcpSkipNet(from, hidden, degree, to, generator),
        };
        net.to(Double);
        using var off = no_grad();
        foreach (var (name, parameter) in net.named_parameters())
            if (name == "C.bias" || name.StartsWith("B.", StringComparison.Ordinal)) parameter.normal_(0, 1, generator);
        return net;
    }
}
