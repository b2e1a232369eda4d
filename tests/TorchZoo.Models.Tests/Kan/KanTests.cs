using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class KanTests
{
    private DisposeScope _scope = null!;
    private Generator _generator = null!;

    [SetUp]
    public void Open() => (_scope, _generator) = (NewDisposeScope(), new Generator(3));

    [TearDown]
    public void Close()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Test]
    public void ALayerIsADoubleLoopOverItsEdges()
    {
        var layer = Double(new KanLayer(3, 2, generator: _generator));
        layer.Mask[1, 0] = 0;
        var x = Inputs(7, 3) * 1.3;
        var expected = zeros(7, 2, ScalarType.Float64);
        for (var i = 0; i < 3; i++)
            for (var j = 0; j < 2; j++)
            {
                var at = x.narrow(1, i, 1);
                var basis = BSpline.Basis(at, layer.Grid.narrow(0, i, 1), 3).squeeze(1);
                var spline = (basis * layer.Coefficients[i, j]).sum(-1);
                expected.select(1, j).add_((nn.functional.silu(at.squeeze(1)) * layer.ScaleBase[i, j] + spline * layer.ScaleSpline[i, j]) * layer.Mask[i, j]);
            }
        Assert.That(Distance(layer.forward(x), expected), Is.LessThan(1e-12));
        Assert.That(Distance(layer.EdgeActivations(x).sum(-1), expected), Is.LessThan(1e-12));
    }

    [Test]
    public void BothLayoutsGiveTheSame()
    {
        var network = Double(new Kan([2, 5, 1], 5, generator: _generator));
        network.Layers[0].Mask[1, 3] = 0;
        var x = Inputs(50, 2);
        var efficient = EfficientKan.From(network);
        Assert.Multiple(() =>
        {
            Assert.That(Distance(efficient.forward(x), network.forward(x)), Is.LessThan(1e-12));
            Assert.That(Distance(efficient.ToKan().forward(x), network.forward(x)), Is.LessThan(1e-12));
            Assert.That(efficient.state_dict().Keys, Is.SupersetOf(new[] { "layers.0.base_weight", "layers.1.spline_weight", "layers.1.spline_scaler", "layers.0.grid" }));
            Assert.That(efficient.state_dict()["layers.0.spline_weight"].shape, Is.EqualTo(new long[] { 5, 2, 8 }));
        });
    }

    [Test]
    public void StateDictsHaveTheReferencesNames() => Assert.That(
        new Kan(new KanConfig { Width = [2, 1, 1], MultWidth = [0, 1, 0] }).state_dict().ToDictionary(s => s.Key, s => string.Join(',', s.Value.shape)),
        Is.EquivalentTo(new Dictionary<string, string>
        {
            ["act_fun.0.coef"] = "2,3,6",
            ["act_fun.0.scale_base"] = "2,3",
            ["act_fun.0.scale_sp"] = "2,3",
            ["act_fun.0.grid"] = "2,10",
            ["act_fun.0.mask"] = "2,3",
            ["act_fun.1.coef"] = "2,1,6",
            ["act_fun.1.scale_base"] = "2,1",
            ["act_fun.1.scale_sp"] = "2,1",
            ["act_fun.1.grid"] = "2,10",
            ["act_fun.1.mask"] = "2,1",
            ["symbolic_fun.0.affine"] = "3,2,4",
            ["symbolic_fun.0.mask"] = "3,2",
            ["symbolic_fun.1.affine"] = "1,2,4",
            ["symbolic_fun.1.mask"] = "1,2",
            ["node_bias_0"] = "2",
            ["node_scale_0"] = "2",
            ["subnode_bias_0"] = "3",
            ["subnode_scale_0"] = "3",
            ["node_bias_1"] = "1",
            ["node_scale_1"] = "1",
            ["subnode_bias_1"] = "1",
            ["subnode_scale_1"] = "1",
        }));

    [Test]
    public void FreshWeightsAreAsLargeAsTheyShouldBe()
    {
        var linear = new KanLinear(16, 300, generator: _generator);
        var layer = new KanLayer(16, 300, noiseScale: 0.5, generator: _generator);
        var curve = BSpline.Curves(linspace(-1, 0.999, 400).unsqueeze(1).expand(400, 16), layer.Grid, layer.Coefficients, 3);
        Assert.Multiple(() =>
        {
            Assert.That(linear.BaseWeight.abs().max().item<float>(), Is.LessThanOrEqualTo(0.25).And.GreaterThan(0.24));
            Assert.That(layer.ScaleSpline.eq(0.25).all().item<bool>(), Is.True);
            Assert.That(layer.ScaleBase.abs().max().item<float>(), Is.LessThanOrEqualTo(0.25).And.GreaterThan(0.24));
            // The specification has 0.0266 for 0.5 and G = 5.
            Assert.That(curve.square().mean().sqrt().item<float>(), Is.EqualTo(0.0266).Within(0.002));
        });
    }

    [TestCase(5, 10)]
    [TestCase(10, 20)]
    public void ANestedGridLeavesTheFunction(int from, int to)
    {
        var network = Double(new Kan([2, 3, 1], from, generator: _generator));
        var x = Inputs(400, 2);
        network.UpdateGrid(x);
        var finer = network.Refine(x, to);
        Assert.Multiple(() =>
        {
            Assert.That(Distance(finer.forward(x), network.forward(x)), Is.LessThan(1e-12));
            Assert.That(finer.Config.Grid, Is.EqualTo(to));
            Assert.That(network.Config.Grid, Is.EqualTo(from));
        });
        var single = new Kan([2, 3, 1], from, generator: _generator);
        var samples = x.to(ScalarType.Float32);
        Assert.That(Distance(single.Refine(samples, to).forward(samples), single.forward(samples)), Is.LessThan(1e-5));
    }

    [Test]
    public void UpdatingAGridKeepsTheCurves()
    {
        var x = Inputs(1000, 3);
        using var same = new Generator(5);
        var with = Double(new KanLinear(3, 4, scaleNoise: 1, generator: same));
        var without = Double(new KanLinear(3, 4, standaloneScaleSpline: false, generator: same));
        using (no_grad())
        {
            without.Grid.copy_(with.Grid);
            without.BaseWeight.copy_(with.BaseWeight);
            without.SplineWeight.copy_(with.SplineWeight * with.SplineScaler!.unsqueeze(-1));
        }
        var before = with.forward(x);
        with.UpdateGrid(x);
        without.UpdateGrid(x);
        Assert.Multiple(() =>
        {
            Assert.That(Distance(with.forward(x), before), Is.LessThan(0.05 * (before.max() - before.min()).item<double>()));
            Assert.That(Distance(with.forward(x), without.forward(x)), Is.LessThan(1e-10), "the scaler has no part in it");
        });

        // A line is one on any grid.
        var line = Double(new KanLayer(1, 1));
        var inner = linspace(-1, 1, 50, ScalarType.Float64).unsqueeze(1);
        using (no_grad()) line.Coefficients.copy_(BSpline.FitCoefficients(inner, (inner * 2 + 1).unsqueeze(-1), line.Grid, 3));
        var old = line.forward(inner);
        line.UpdateGrid(inner);
        Assert.That(Distance(line.forward(inner), old), Is.LessThan(1e-12));
    }

    [Test]
    public void ConstantAndRepeatedInputsLeaveAUsableGrid()
    {
        var network = Double(new Kan([2, 3, 1], generator: _generator));
        var x = stack([ones(40, ScalarType.Float64) * 0.3, (arange(40, ScalarType.Float64) / 20).floor()], 1);
        var before = network.forward(x);
        network.UpdateGrid(x);
        Assert.That(Distance(network.forward(x), before), Is.LessThan(1e-6));
        x = x.requires_grad_();
        network.forward(x).sum().backward();
        Assert.That(x.grad!.isfinite().all().item<bool>(), Is.True);
    }

    [Test]
    public void GradientsAreRight([Values(1, 2, 3)] int order)
    {
        var layer = Double(new KanLayer(2, 3, 4, order, generator: _generator));
        var x = Inputs(5, 2) * 0.9;
        GradCheck.Run(v => [Call(layer, v)], [x, layer.Coefficients.detach(), layer.ScaleBase.detach(), layer.ScaleSpline.detach()], tolerance: 1e-6);

        static Tensor Call(KanLayer layer, Tensor?[] v)
        {
            var linear = nn.functional.silu(v[0]!).matmul(v[2]!);
            return linear + Kernels.SplineSum.Apply(v[0]!, layer.Grid, (v[1]! * v[3]!.unsqueeze(-1)).transpose(1, 2), layer.SplineOrder);
        }
    }

    [Test]
    public void AModuleHasTheGradientsOfItsParts()
    {
        var network = Double(new Kan(new KanConfig { Width = [2, 2, 1], MultWidth = [0, 1, 0], AffineTrainable = true }, _generator));
        network.FixSymbolic(0, 1, 0, "sin");
        var x = Inputs(6, 2);
        network.forward(x).square().sum().backward();
        using var off = no_grad();
        foreach (var (name, p) in network.named_parameters())
        {
            var gradient = p.grad?.flatten();
            if (gradient is null) continue;
            for (var k = 0L; k < Math.Min(p.numel(), 6); k++)
            {
                var flat = p.view(-1);
                var value = flat[k].item<double>();
                flat[k] = value + 1e-6;
                var up = network.forward(x).square().sum().item<double>();
                flat[k] = value - 1e-6;
                var down = network.forward(x).square().sum().item<double>();
                flat[k] = value;
                Assert.That(gradient[k].item<double>(), Is.EqualTo((up - down) / 2e-6).Within(1e-6), $"{name}[{k}]");
            }
        }
    }

    [Test]
    public void MultiplicationsMultiply()
    {
        var network = Double(new Kan(new KanConfig { Width = [2, 0, 1], MultWidth = [0, 1, 0] }));
        network.FixSymbolic(0, 0, 0, "x");
        network.FixSymbolic(0, 1, 1, "x");
        network.Layers[0].Mask.zero_();
        network.FixSymbolic(1, 0, 0, "x");
        var x = Inputs(9, 2);
        Assert.That(Distance(network.forward(x).squeeze(1), x.select(1, 0) * x.select(1, 1)), Is.LessThan(1e-12));
        Assert.That(network.Formula(), Is.EqualTo("(x_1)*(x_2)"));
    }

    [Test]
    public void PruningByNothingChangesNothing()
    {
        var network = Double(new Kan(new KanConfig { Width = [2, 3, 1], MultWidth = [0, 2, 0] }, _generator));
        var x = Inputs(60, 2);
        var pruned = network.Prune(x, 0, 0);
        Assert.Multiple(() =>
        {
            Assert.That(pruned.Config.Width, Is.EqualTo(network.Config.Width));
            Assert.That(Distance(pruned.forward(x), network.forward(x)), Is.Zero);
        });
    }

    [Test]
    public void APrunedNetworkIsTheMaskedOne()
    {
        var network = Double(new Kan(new KanConfig { Width = [2, 3, 1], MultWidth = [0, 2, 0] }, _generator));
        network.FixSymbolic(0, 1, 2, "sin");
        var x = Inputs(60, 2);
        var pruned = KanPruner.Keep(network, [[0, 1], [0, 2, 4], [0]]);
        var masked = network.Clone();
        foreach (var gone in new[] { 1, 3 })
        {
            masked.Layers[1].Mask[gone] = 0;
            masked.SymbolicLayers[1].Mask.select(1, gone).zero_();
        }
        Assert.Multiple(() =>
        {
            Assert.That(pruned.Config.Width, Is.EqualTo(new long[] { 2, 2, 1 }));
            Assert.That(pruned.Config.MultWidth, Is.EqualTo(new long[] { 0, 1, 0 }));
            Assert.That(Distance(pruned.forward(x), masked.forward(x)), Is.LessThan(1e-12));
        });
    }

    [Test]
    public void WhatDoesNotMatterIsPruned()
    {
        var network = Double(new Kan([2, 3, 1], generator: _generator));
        using (no_grad())
        {
            // Node 1 goes nowhere, and node 2 doesn't see the first input.
            network.Layers[1].ScaleBase[1] = 0;
            network.Layers[1].ScaleSpline[1] = 0;
            network.Layers[0].ScaleBase[0, 2] = 0;
            network.Layers[0].ScaleSpline[0, 2] = 0;
        }
        var x = Inputs(100, 2);
        var pruned = network.Prune(x, 1e-6, 1e-6);
        Assert.Multiple(() =>
        {
            Assert.That(pruned.Config.Width, Is.EqualTo(new long[] { 2, 2, 1 }));
            Assert.That(pruned.Layers[0].Mask.to(ScalarType.Float64).data<double>().ToArray(), Is.EqualTo(new double[] { 1, 0, 1, 1 }));
            Assert.That(Distance(pruned.forward(x), network.forward(x)), Is.LessThan(1e-12));
        });
        var scores = KanPruner.Attribute(network, x);
        Assert.That(scores.Nodes[1][1].item<double>(), Is.Zero);
    }

    [Test]
    public void ThePenaltyIsThatOfItsDefinition()
    {
        var network = Double(new Kan([2, 3, 1], generator: _generator));
        var trace = network.Trace(Inputs(30, 2));
        var expected = 0.0;
        for (var l = 0; l < 2; l++)
        {
            var a = trace.Edges[l].std([0]) / (trace.Inputs[l].std([0]) + 0.1);
            double[,] size = new double[a.shape[0], a.shape[1]];
            for (var j = 0; j < a.shape[0]; j++)
                for (var i = 0; i < a.shape[1]; i++) size[j, i] = a[j, i].item<double>();
            double rows = 0, columns = 0;
            for (var j = 0; j < a.shape[0]; j++)
                for (var i = 0; i < a.shape[1]; i++)
                {
                    double row = a[j].sum().item<double>() + 1, column = a.select(1, i).sum().item<double>() + 1;
                    rows -= size[j, i] / row * Math.Log2(size[j, i] / row + 1e-4) / a.shape[0];
                    columns -= size[j, i] / column * Math.Log2(size[j, i] / column + 1e-4) / a.shape[1];
                    expected += size[j, i];
                }
            expected += 2 * (rows + columns);
        }
        Assert.That(new KanRegularizer().Loss(network, trace).item<double>(), Is.EqualTo(expected).Within(1e-10));
        Assert.That(new KanLinear(2, 2).RegularizationLoss().item<float>(), Is.GreaterThan(0));
    }

    [Test]
    public void ACurveIsRecognised()
    {
        var x = linspace(-1, 1, 100, ScalarType.Float64);
        var y = (x * 3 + 2).sin() * 5 + 0.7 + randn([100], ScalarType.Float64, generator: _generator) * 0.02;
        var fit = SymbolicEdge.Fit(x, y, SymbolicLibrary.Find("sin"));
        Assert.Multiple(() =>
        {
            Assert.That(Math.Abs(fit.A), Is.EqualTo(3).Within(0.03));
            Assert.That(Math.Abs(fit.C), Is.EqualTo(5).Within(0.05));
            Assert.That(fit.D, Is.EqualTo(0.7).Within(0.02));
            Assert.That(fit.R2, Is.GreaterThan(0.9999));
        });
        Assert.That(SymbolicEdge.Suggest(x, y)[0].Function.Name, Is.AnyOf("sin", "cos"));
        Assert.That(SymbolicEdge.Suggest(x, x * -0.3 + 1)[0].Function.Name, Is.EqualTo("x"));
        Assert.That(SymbolicEdge.Suggest(x, x * 0 + 1)[0].Function.Name, Is.EqualTo("0"));
    }

    [Test]
    public void AFormulaIsReadOff()
    {
        var network = Double(new Kan([2, 1, 1]));
        var x = Inputs(100, 2);
        network.FixSymbolic(0, 0, 0, "sin");
        network.FixSymbolic(0, 1, 0, "x^2");
        network.FixSymbolic(1, 0, 0, "exp");
        using (no_grad()) network.SymbolicLayers[0].Affine[0, 0, 0] = Math.PI;
        Assert.That(network.Formula(3), Is.EqualTo("exp(sin(3.142*x_1) + x_2^2)"));
        var expected = ((x.select(1, 0) * Math.PI).sin() + x.select(1, 1).square()).exp();
        Assert.That(Distance(network.forward(x).squeeze(1), expected), Is.LessThan(1e-12));
        network.Unfix(0, 0, 0);
        Assert.That(() => network.Formula(), Throws.InvalidOperationException);
        var found = network.FixSymbolic(0, 0, 0, "sin", x);
        Assert.That(found.R2, Is.GreaterThan(0.5));
    }

    [Test]
    public void LeadingDimensionsAndSixteenBits()
    {
        var layer = new KanLinear(3, 2, generator: _generator);
        var x = randn([2, 5, 3], generator: _generator);
        Assert.That(Distance(layer.forward(x), layer.forward(x.view(10, 3)).view(2, 5, 2)), Is.Zero);
        Assert.That(layer.forward(zeros(0, 3)).shape, Is.EqualTo(new long[] { 0, 2 }));
        var expected = layer.forward(x);
        layer.to(ScalarType.BFloat16);
        var low = layer.forward(x.to(ScalarType.BFloat16));
        Assert.That(low.dtype, Is.EqualTo(ScalarType.BFloat16));
        Assert.That(Distance(low.to(ScalarType.Float32), expected), Is.LessThan(0.1));
    }

    [Test]
    public void BadInputIsRefused()
    {
        var network = new Kan([2, 3, 1]);
        Assert.Multiple(() =>
        {
            Assert.That(() => network.forward(rand(4, 3)), Throws.ArgumentException);
            Assert.That(() => new KanLinear(2, 2).forward(rand(4, 3)), Throws.ArgumentException);
            Assert.That(() => new KanLinear(2, 2, gridSize: 0), Throws.ArgumentException);
            Assert.That(() => new KanLinear(2, 2, splineOrder: -1), Throws.ArgumentException);
            Assert.That(() => new Kan([2]), Throws.ArgumentException);
            Assert.That(() => network.Refine(rand(100, 2), 0), Throws.ArgumentException);
            Assert.That(() => network.Refine(rand(12, 2), 10), Throws.ArgumentException);
            Assert.That(() => network.UpdateGrid(rand(5, 2)), Throws.ArgumentException);
            Assert.That(() => network.FixSymbolic(0, 0, 0, "erf"), Throws.ArgumentException);
            Assert.That(() => network.FixSymbolic(2, 0, 0, "sin"), Throws.ArgumentException);
            Assert.That(() => network.Prune(rand(1, 2)), Throws.ArgumentException);
            Assert.That(() => network.Prune(rand(50, 2), 1e9), Throws.ArgumentException);
        });
    }

    private static Tensor Inputs(long n, long features)
    {
        using var generator = new Generator(11);
        return rand([n, features], ScalarType.Float64, generator: generator) * 2 - 1;
    }

    private static T Double<T>(T module) where T : nn.Module
    {
        module.to(ScalarType.Float64);
        return module;
    }

    private static double Distance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        Assert.That(a.shape, Is.EqualTo(b.shape));
        return (a - b).abs().max().to(ScalarType.Float64).item<double>();
    }
}
