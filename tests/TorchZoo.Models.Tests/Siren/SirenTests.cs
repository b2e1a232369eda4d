using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SirenTests
{
    private static Siren Net(SirenConfig config, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        return new Siren(config, generator);
    }

    private static double Distance(Tensor a, Tensor b)
    {
        Assert.That(a.shape, Is.EqualTo(b.shape));
        return ((a - b).abs().max() / (1e-300 + b.abs().max())).item<double>();
    }

    [Test]
    public void InitialWeightsFillTheStatedIntervals()
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig
        {
            InFeatures = 3,
            OutFeatures = 64,
            HiddenFeatures = 256,
            NumHiddenLayers = 2,
            HiddenOmega0 = 20
        });
        foreach (var layer in net.Layers)
        {
            var bound = ReferenceEquals(layer, net.Layers[0]) ? 1.0 / 3 : Math.Sqrt(6.0 / 256) / 20;
            Assert.That(layer.Weight.abs().max().item<float>(), Is.LessThanOrEqualTo((float)bound));
            Assert.That(layer.Weight.std().item<float>(), Is.EqualTo(bound / Math.Sqrt(3)).Within(5).Percent);
            Assert.That(layer.Bias!.abs().max().item<float>(), Is.LessThanOrEqualTo(1 / MathF.Sqrt(layer.InFeatures)));
        }
    }

    [Test]
    public void ActivationsKeepTheirDistributionOverDepth([Values] bool biases)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var net = Net(new SirenConfig { InFeatures = 1, HiddenFeatures = 1024, NumHiddenLayers = 6 });
        if (!biases)
            foreach (var layer in net.Layers) layer.Bias!.zero_();
        var (_, layers) = net.ForwardWithActivations(linspace(-1, 1, 4096).unsqueeze(1));
        var expected = biases ? Math.Sqrt(1 + 30.0 * 30 / 1024 / 3) : 1;
        foreach (var layer in layers.Skip(1).Take(6))
        {
            Assert.That(layer.PreActivation.std().item<float>(), Is.InRange(0.85 * expected, 1.15 * expected));
            Assert.That(layer.Output.std().item<float>(), Is.InRange(0.6, 0.75));
        }
    }

    [Test]
    public void OmegaCancelsAgainstTheWeights()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using Siren one = Net(new SirenConfig { HiddenFeatures = 20 }).to(ScalarType.Float64),
            other = Net(new SirenConfig { HiddenFeatures = 20, FirstOmega0 = 75, HiddenOmega0 = 75 }).to(ScalarType.Float64);
        foreach (var (a, b) in one.Layers.Zip(other.Layers))
        {
            b.Weight.copy_(a.Weight / (a is SineLayer ? 2.5 : 1));
            b.Bias!.copy_(a.Bias! / (a is SineLayer ? 2.5 : 1));
        }
        var x = FieldCoordinates.Grid([9, 8], ScalarType.Float64);
        Assert.That(Distance(other.forward(x), one.forward(x)), Is.LessThan(1e-5));
    }

    [Test]
    public void DerivativesOfOneLayerAreInClosedForm()
    {
        using var scope = NewDisposeScope();
        using var layer = new SineLayer(3, 1, isFirst: true).to(ScalarType.Float64);
        var x = randn([50, 3], ScalarType.Float64).requires_grad_();
        var y = layer.forward(x);
        var slope = 30 * (30 * (x.mm(layer.Weight.t()) + layer.Bias!)).cos() * layer.Weight;
        Assert.That(Distance(DifferentialOperators.Gradient(y, x), slope), Is.LessThan(1e-9));
        Assert.That(Distance(DifferentialOperators.Laplace(y, x), -900 * layer.Weight.square().sum() * y), Is.LessThan(1e-9));
    }

    [Test]
    public void DerivativesOfADeepNetAreThoseOfDifferences()
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig { HiddenFeatures = 32, NumHiddenLayers = 2, FirstOmega0 = 5, HiddenOmega0 = 5 })
            .to(ScalarType.Float64);
        using var generator = new Generator(2);
        var x = FieldCoordinates.Uniform(40, 2, generator, ScalarType.Float64).requires_grad_();
        var y = net.forward(x);
        Tensor Shifted(int axis, double h) => net.forward(x + h * eye(2, dtype: ScalarType.Float64)[axis]);
        const double h = 1e-5, wide = 1e-4;
        var gradient = cat([.. Enumerable.Range(0, 2).Select(i => (Shifted(i, h) - Shifted(i, -h)) / (2 * h))], -1);
        var laplacian = Enumerable.Range(0, 2).Select(i =>
            (Shifted(i, wide) + Shifted(i, -wide) - 2 * y) / (wide * wide)).Aggregate((a, b) => a + b);
        Assert.That(Distance(DifferentialOperators.Gradient(y, x), gradient), Is.LessThan(1e-6));
        Assert.That(Distance(DifferentialOperators.Laplace(y, x), laplacian), Is.LessThan(1e-4));
        var hessian = DifferentialOperators.Hessian(y, x).squeeze(1);
        Assert.That(Distance(DifferentialOperators.Divergence(DifferentialOperators.Gradient(y, x), x).squeeze(1),
            hessian.diagonal(0, -2, -1).sum(-1)), Is.LessThan(1e-10));
    }

    [Test]
    public void GradientLossTrainsTheWeights([Values] bool jet)
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig { HiddenFeatures = 4, NumHiddenLayers = 0, FirstOmega0 = 3, HiddenOmega0 = 3 })
            .to(ScalarType.Float64);
        var x = FieldCoordinates.Grid([3, 4], ScalarType.Float64).requires_grad_();
        var target = ones_like(x) * 0.3;
        Tensor Loss() => GradientLoss.Mse(
            jet ? net.Jet(x, SecondOrder.None).Gradient.squeeze(-2) : DifferentialOperators.Gradient(net.forward(x), x), target);
        Loss().backward();
        foreach (var parameter in net.parameters())
        {
            if (parameter.grad is null) continue; // the last bias: a constant
            var data = parameter.detach().view(-1).data<double>();
            for (var i = 0; i < data.Count; i++)
            {
                var at = data[i];
                data[i] = at + 1e-5;
                var up = Loss().item<double>();
                data[i] = at - 1e-5;
                var down = Loss().item<double>();
                data[i] = at;
                Assert.That(parameter.grad!.flatten()[i].item<double>(), Is.EqualTo((up - down) / 2e-5).Within(1e-5 * (1
                    + Math.Abs(up - down) / 2e-5)));
            }
        }
    }

    [Test]
    public void ForwardWithItsOwnParametersIsForward()
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig { HiddenFeatures = 12, OutFeatures = 2 }).to(ScalarType.Float64);
        using var other = Net(new SirenConfig { HiddenFeatures = 12, OutFeatures = 2 }, 5).to(ScalarType.Float64);
        var x = FieldCoordinates.Grid([5, 6], ScalarType.Float64);
        Dictionary<string, Tensor> mine = net.state_dict(), theirs = other.state_dict();
        Assert.That(Distance(other.ForwardWith(x, mine), net.forward(x)), Is.LessThan(1e-14));
        var both = mine.ToDictionary(p => p.Key, p => stack([p.Value, theirs[p.Key]]));
        var values = net.ForwardWith(x.unsqueeze(0), both);
        Assert.That(Distance(values[0], net.forward(x)), Is.LessThan(1e-13));
        Assert.That(Distance(values[1], other.forward(x)), Is.LessThan(1e-13));
        mine.Remove("net.net.1.0.bias");
        Assert.That(() => net.ForwardWith(x, mine), Throws.ArgumentException.With.Message.Contains("net.net.1.0.bias"));
        both["net.net.1.0.bias"] = zeros(3, 11);
        Assert.That(() => net.ForwardWith(x.unsqueeze(0), both), Throws.ArgumentException);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig { HiddenFeatures = 4 });
        Assert.Multiple(() =>
        {
            Assert.That(() => net.forward(zeros(5, 3)), Throws.ArgumentException);
            Assert.That(() => new SineLayer(2, 3, omega0: 0), Throws.ArgumentException);
            Assert.That(() => new SineLayer(0, 3), Throws.ArgumentException);
            Assert.That(() => new Siren(new SirenConfig { FirstOmega0 = -1 }), Throws.ArgumentException);
            Assert.That(() => new Siren(new SirenConfig { HiddenOmega0 = double.NaN }), Throws.ArgumentException);
            Assert.That(() => new Siren(new SirenConfig { NumHiddenLayers = -1 }), Throws.ArgumentException);
            Assert.That(() => new Siren(new SirenConfig { HiddenFeatures = 0 }), Throws.ArgumentException);
            Assert.That(() => new CoordinateMlp(new CoordinateMlpConfig { Type = "cosine" }), Throws.ArgumentException);
            Assert.That(() => new CoordinateMlp(new CoordinateMlpConfig { Mode = "nerf" }), Throws.ArgumentException);
            Assert.That(() => new CoordinateMlp(new CoordinateMlpConfig { Mode = "fourier" }), Throws.ArgumentException);
            Assert.That(() => FieldCoordinates.Grid([]), Throws.ArgumentException);
        });
    }

    [Test]
    public void TrainingOnDerivativesKeepsMemoryFlat()
    {
        using var scope = NewDisposeScope();
        using var net = Net(new SirenConfig { HiddenFeatures = 16 });
        var optimizer = new FusedAdam(net.parameters(), 1e-4);
        var x = FieldCoordinates.Grid([20, 20]);
        void Step()
        {
            using var step = NewDisposeScope();
            var jet = net.Jet(x);
            (GradientLoss.Mse(jet.Gradient.squeeze(-2), zeros_like(x)) + LaplaceLoss.Mse(jet.Laplacian, ones(400, 1))).backward();
            optimizer.step();
            optimizer.zero_grad();
        }
        for (var i = 0; i < 3; i++) Step();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 20; i++) Step();
        Assert.That(DisposeScopeManager.Statistics.ThreadTotalLiveCount, Is.EqualTo(before));
    }

    [Test]
    public void BaselinesEncodeAsStated()
    {
        using var scope = NewDisposeScope();
        Assert.That(PositionalEncoding.NyquistFrequencies(64), Is.EqualTo(4));
        Assert.That(PositionalEncoding.NyquistFrequencies(512), Is.EqualTo(7));
        Assert.That(PositionalEncoding.NyquistFrequencies(3), Is.EqualTo(0));
        using var encoding = new PositionalEncoding(2, 2);
        var y = encoding.forward(tensor(new[] { 0.25, -0.5 }).unsqueeze(0));
        double[] expected = [0.25, -0.5,
            Math.Sin(Math.PI / 4), Math.Cos(Math.PI / 4), Math.Sin(-Math.PI / 2), Math.Cos(-Math.PI / 2),
            Math.Sin(Math.PI / 2), Math.Cos(Math.PI / 2), Math.Sin(-Math.PI), Math.Cos(-Math.PI)];
        Assert.That(y.data<double>().ToArray(), Is.EqualTo(expected).Within(1e-15));

        using var rbf = new CoordinateMlp(new CoordinateMlpConfig { Mode = "rbf", RbfCenters = 7, Type = "relu", HiddenFeatures = 5 });
        Assert.That(rbf.state_dict().Keys.Take(3), Is.EqualTo(new[] { "rbf_layer.centres", "rbf_layer.sigmas", "rbf_layer.freq" }));
        Assert.That(rbf.forward(zeros(2, 3, 2)).shape, Is.EqualTo(new long[] { 2, 3, 1 }));
        foreach (var type in FieldMlp.ActivationNames)
        {
            using var net = new CoordinateMlp(new CoordinateMlpConfig { Type = type, HiddenFeatures = 200, NumHiddenLayers = 1 });
            var std = net.state_dict()["net.net.1.0.weight"].std().item<float>();
            var expectedStd = type switch
            {
                "sine" => Math.Sqrt(2.0 / 200) / 30,
                "tanh" or "sigmoid" or "selu" => Math.Sqrt(1.0 / 200),
                "elu" => Math.Sqrt(1.55 / 200),
                _ => Math.Sqrt(2.0 / 200),
            };
            Assert.That(std, Is.EqualTo(expectedStd).Within(3).Percent, type);
        }
    }
}
