using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class TrainableMatrixActivationTests
{
    private const ScalarType Double = ScalarType.Float64;

    [Test]
    public void ItBeginsAsReluOrAsTheIdentity([Values(0, 1, 3)] int bandwidth, [Values] MatrixActivationSharing sharing)
    {
        using var scope = NewDisposeScope();
        var y = cat([randn(50, 7) * 2, zeros(1, 7), full(1, 7, -0.2f), full(1, 7, 1f)], 0);
        foreach (var breaks in new IReadOnlyList<double>?[] { null, [0], [-2, 0, 0.3] })
        {
            using var relu = new TrainableMatrixActivation(7, breaks, bandwidth, sharing: sharing);
            using var identity = new TrainableMatrixActivation(7, breaks, bandwidth, MatrixActivationInit.Identity, sharing);
            Assert.That(relu.call(y).allclose(y.relu(), 0, 0));
            Assert.That(identity.call(y).allclose(y, 0, 0));
        }
        using var diagonal = new DiagonalMatrixActivation(7, sharing: sharing);
        using var tridiagonal = new TridiagonalMatrixActivation(7, sharing: sharing);
        Assert.That((diagonal.Bandwidth, tridiagonal.Bandwidth), Is.EqualTo((0, 1)));
        Assert.That(tridiagonal.call(y).allclose(diagonal.call(y), 0, 0));
    }

    [TestCase(0, new[] { "breaks 3", "table.diag 6×4" }, 24)]
    [TestCase(1, new[] { "breaks 3", "table.diag 6×4", "table.upper 5×4", "table.lower 5×4" }, 24 + 40)]
    [TestCase(2, new[] { "breaks 3", "table.diag 6×4", "table.upper 5×4", "table.lower 5×4", "table.upper2 4×4", "table.lower2 4×4" }, 96)]
    public void NamesAndNumbers(int bandwidth, string[] names, int parameters)
    {
        using var unit = new TrainableMatrixActivation(6, [-1, 0, 1], bandwidth);
        Assert.That(unit.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EquivalentTo(names));
        Assert.That(unit.parameters().Sum(p => p.numel()), Is.EqualTo(parameters));
        using var shared = new TrainableMatrixActivation(6, [-1, 0, 1], bandwidth, sharing: MatrixActivationSharing.PerLayer);
        Assert.That(shared.parameters().Sum(p => p.numel()), Is.EqualTo(4 * (2 * bandwidth + 1)));
    }

    [Test]
    public void WithOneBreakPointItIsParametricRelu()
    {
        using var scope = NewDisposeScope();
        var y = randn(40, 3, Double);
        using var unit = new TrainableMatrixActivation(3, [0]);
        unit.to(Double);
        using (no_grad()) unit.get_parameter("table.diag")!.copy_(tensor(new[] { 0.25, 1, -0.5, 1, 1, 1 }).reshape(3, 2));
        var slopes = tensor(new[] { 0.25, -0.5, 1 });
        var z = unit.call(y);
        Assert.That(z.allclose(where(y > 0, y, slopes * y), 0, 0));
        foreach (var c in new[] { 0.125, 8.0 }) Assert.That(unit.call(y * c).allclose(z * c, 1e-14, 0), "homogeneous");
        using var many = Random(3, 0);
        Assert.That(many.call(y * 8).allclose(many.call(y) * 8), Is.False);
    }

    [Test]
    public void ABreakPointBelongsToTheBinAtItsLeft()
    {
        using var scope = NewDisposeScope();
        double[] breaks = [-1, -0.25, 0, 0.5];
        var values = tensor(new[] { 10.0, 20, 30, 40, 50 }).reshape(1, 5);
        double[] Lookup(params double[] s) =>
            PiecewiseConstantTable.Lookup(values, tensor(breaks), tensor(s).unsqueeze(1)).reshape(-1).data<double>().ToArray();
        Assert.That(Lookup(-1, -0.25, 0, 0.5), Is.EqualTo(new[] { 10.0, 20, 30, 40 }));
        Assert.That(Lookup([.. breaks.Select(b => Math.BitIncrement(b))]), Is.EqualTo(new[] { 20.0, 30, 40, 50 }));
        Assert.That(Lookup(-1e300, 1e300), Is.EqualTo(new[] { 10.0, 50 }));
        // The layer jumps by s_j (t_j − t_{j−1}), at 0 not at all.
        using var unit = new TrainableMatrixActivation(1, breaks);
        unit.to(Double);
        using (no_grad()) unit.get_parameter("table.diag")!.copy_(values);
        foreach (var (j, s) in breaks.Index())
        {
            var jump = (unit.call(tensor(new[] { s + 1e-13 })) - unit.call(tensor(new[] { s }))).item<double>();
            Assert.That(jump, Is.EqualTo(s * 10).Within(1e-11), $"at {j}");
        }
    }

    [Test, Category("Property")]
    public void ItIsTheProductWithItsMatrix([Values(0, 1, 2, 4)] int bandwidth, [Values] MatrixActivationSharing sharing,
        [Values] bool breaksPerNeuron)
    {
        using var scope = NewDisposeScope();
        using var unit = Random(5, bandwidth, sharing, breaksPerNeuron: breaksPerNeuron);
        foreach (var leading in new long[][] { [], [6], [0], [2, 3] })
        {
            var y = randn([.. leading, 5], Double) * 1.5;
            var matrix = unit.MatrixAt(y);
            Assert.That(matrix.shape, Is.EqualTo((long[])[.. leading, 5, 5]));
            Assert.That(unit.call(y).allclose(matrix.matmul(y.unsqueeze(-1)).squeeze(-1), 1e-12, 1e-14));
        }
        // Entries by hand; and the Jacobian is the matrix, away from the break points.
        var at = randn([5], Double) * 1.5;
        var found = unit.MatrixAt(at);
        var state = unit.state_dict();
        for (var i = 0; i < 5; i++)
            for (var j = 0; j < 5; j++)
            {
                var k = Math.Abs(i - j);
                var expected = 0.0;
                if (k <= bandwidth)
                {
                    var table = state["table." + (k == 0 ? "diag" : (j > i ? "upper" : "lower") + (k > 1 ? $"{k}" : ""))];
                    var breaks = unit.Breaks.dim() == 1 ? unit.Breaks : unit.Breaks[j];
                    var bin = breaks.lt(at[j]).sum().item<long>();
                    expected = table[table.shape[0] == 1 ? 0 : Math.Min(i, j), bin].item<double>();
                }
                Assert.That(found[i, j].item<double>(), Is.EqualTo(expected), $"({i}, {j})");
                const double h = 1e-6;
                var (up, down) = (at.clone(), at.clone());
                up[j] += h;
                down[j] -= h;
                var slope = ((unit.call(up) - unit.call(down))[i] / (2 * h)).item<double>();
                Assert.That(slope, Is.EqualTo(expected).Within(1e-8), $"∂z_{i}/∂y_{j}");
            }
    }

    [Test]
    public void Gradients([Values(0, 1, 2)] int bandwidth)
    {
        using var scope = NewDisposeScope();
        using var unit = Random(4, bandwidth);
        // Far from all break points, the differences don't cross one.
        var y = tensor(new[] { -1.7, -0.45, 0.2, 0.71, 0.3, 1.9, -0.6, -0.2, 0.05, 0.4, -3, 0.8 }).reshape(3, 4);
        GradCheck.Run(inputs => [unit.call(inputs[0]!)], [y]);
        GradCheck.Parameters(unit, () => unit.call(y));
        // By the diagonal: the sum of g y over the bin, and exactly 0 for an empty one.
        var g = randn(3, 4, Double);
        var gradient = autograd.grad([(unit.call(y) * g).sum()], [unit.get_parameter("table.diag")!])[0];
        var bins = unit.Breaks.lt(y.unsqueeze(-1)).sum(-1);
        for (var i = 0; i < 4; i++)
            for (var j = 0; j < gradient.shape[1]; j++)
            {
                var inBin = bins.select(1, i).eq(j);
                var expected = (g.select(1, i) * y.select(1, i)).masked_select(inBin).sum().item<double>();
                Assert.That(gradient[i, j].item<double>(), inBin.any().item<bool>() ? Is.EqualTo(expected).Within(1e-14) : Is.Zero);
            }
        using var relu = new TrainableMatrixActivation(1, [0]);
        var positive = autograd.grad([relu.call(tensor(new[] { 2f })).sum()], [relu.get_parameter("table.diag")!])[0];
        Assert.That(positive.data<float>().ToArray(), Is.EqualTo(new[] { 0f, 2f }));
    }

    [Test]
    public void ChannelsAreFeaturesAtEachPixel([Values(0, 1, 2)] int bandwidth, [Values] bool breaksPerNeuron)
    {
        using var scope = NewDisposeScope();
        using var vectors = Random(4, bandwidth, breaksPerNeuron: breaksPerNeuron);
        using var channels = Random(4, bandwidth, breaksPerNeuron: breaksPerNeuron, featureDim: 1);
        channels.load_state_dict(vectors.state_dict());
        var x = randn(2, 4, 3, 5, Double);
        var pixels = x.permute(0, 2, 3, 1);
        Assert.That(channels.call(x).permute(0, 2, 3, 1).allclose(vectors.call(pixels), 0, 0));
        Assert.That(channels.MatrixAt(x).allclose(vectors.MatrixAt(pixels), 0, 0));
    }

    [Test]
    public void CurvesAreWhatANeuronDoes([Values] MatrixActivationSharing sharing, [Values] bool breaksPerNeuron)
    {
        using var scope = NewDisposeScope();
        using var unit = Random(3, 0, sharing, breaksPerNeuron: breaksPerNeuron);
        var s = linspace(-2, 2, 81, Double);
        var all = unit.call(s.unsqueeze(1).expand(-1, 3));
        for (var i = 0; i < 3; i++) Assert.That(unit.CurveAt(i, s).allclose(all.select(1, i), 0, 0));
        Assert.That(unit.CurveAt(0, s.reshape(9, 9)).shape, Is.EqualTo(new long[] { 9, 9 }));
    }

    [Test]
    public void BreakPointsAreFittedToQuantiles([Values] bool breaksPerNeuron)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var unit = new TrainableMatrixActivation(2, [-1, -0.5, 0, 0.5, 1], breaksPerNeuron: breaksPerNeuron);
        var y = randn([4000, 2], generator: generator) * tensor(new[] { 1f, 10f });
        unit.FitBreaks(y);
        Assert.That(unit.Breaks.shape, Is.EqualTo(breaksPerNeuron ? new long[] { 2, 5 } : [5]));
        Assert.That(unit.Breaks.eq(0).sum(-1).max().item<long>(), Is.EqualTo(1));
        Assert.That(unit.call(y).allclose(y.relu(), 0, 0), "it is ReLU again");
        if (breaksPerNeuron)
        {
            // A tenth of all numbers lies below the first point of five.
            Assert.That(unit.Breaks[0, 0].item<float>(), Is.EqualTo(-1.28).Within(0.1));
            Assert.That((unit.Breaks[1, 4] / unit.Breaks[0, 4]).item<float>(), Is.EqualTo(10).Within(1));
        }
        Assert.That(() => unit.FitBreaks(zeros(40, 2)), Throws.ArgumentException.With.Message.Contains("differ"));
        Assert.That(() => unit.FitBreaks(zeros(2, 2)), Throws.ArgumentException);
        using var net = new MatrixActivationMlp(new() { InFeatures = 2, OutFeatures = 1, BreaksPerNeuron = breaksPerNeuron });
        net.FitBreaks(y);
        Assert.That(net.Activations.All(a => !a.Breaks.allclose(tensor([.. TrainableMatrixActivation.DefaultBreaks], ScalarType.Float32))));
    }

    [Test]
    public void TypesOfNumbers([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var unit = Random(4, 1);
        var y = randn(3, 4, Double).to(ScalarType.BFloat16).to(Double);
        var expected = unit.call(y);
        unit.to(type);
        var z = unit.call(y.to(type));
        Assert.That(z.dtype, Is.EqualTo(type));
        Assert.That(z.to(Double).allclose(expected, type == ScalarType.BFloat16 ? 2e-2 : 1e-6, type == ScalarType.BFloat16 ? 2e-2 : 1e-6));
    }

    [Test]
    public void TheNetworkIsItsLayers()
    {
        using var scope = NewDisposeScope();
        var config = new MatrixActivationMlpConfig { InFeatures = 3, HiddenFeatures = 6, Depth = 2, OutFeatures = 2, Bandwidth = 1 };
        using var net = new MatrixActivationMlp(config, new Generator(3));
        using var same = new MatrixActivationMlp(config, new Generator(3));
        var x = randn(2, 5, 3);
        var state = net.state_dict();
        var h = x;
        for (var i = 0; i < 2; i++) h = nn.functional.linear(h, state[$"layers.{i}.weight"], state[$"layers.{i}.bias"]).relu();
        Assert.That(net.call(x).allclose(nn.functional.linear(h, state["output.weight"], state["output.bias"]), 0, 0));
        Assert.That(same.call(x).allclose(net.call(x), 0, 0));
        Assert.That(state.Keys, Does.Contain("activations.1.table.upper").And.Contain("activations.0.breaks"));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var unit = new TrainableMatrixActivation(3);
        using var net = new MatrixActivationMlp(new() { InFeatures = 3, OutFeatures = 1 });
        Assert.Multiple(() =>
        {
            Assert.That(() => new TrainableMatrixActivation(0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new TrainableMatrixActivation(3, []), Throws.ArgumentException.With.Message.Contains("increasing"));
            Assert.That(() => new TrainableMatrixActivation(3, [0, 0]), Throws.ArgumentException);
            Assert.That(() => new TrainableMatrixActivation(3, [1, 0]), Throws.ArgumentException);
            Assert.That(() => new TrainableMatrixActivation(3, [double.NaN]), Throws.ArgumentException);
            Assert.That(() => new TrainableMatrixActivation(3, bandwidth: 3), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new TrainableMatrixActivation(3, bandwidth: -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => unit.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => unit.call(zeros([], ScalarType.Float32)), Throws.ArgumentException);
            Assert.That(() => unit.call(zeros(3, Double)), Throws.ArgumentException);
            Assert.That(() => unit.MatrixAt(zeros(3, ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => unit.CurveAt(3, zeros(2)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => net.call(zeros(2, 2)), Throws.ArgumentException);
            Assert.That(() => new MatrixActivationMlp(new() { InFeatures = 3, OutFeatures = 1, Breaks = [0, 0] }),
                Throws.ArgumentException);
            Assert.That(() => new MatrixActivationMlp(new() { InFeatures = 3, OutFeatures = 0 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => PiecewiseConstantTable.Lookup(zeros(2, 3), zeros(2), zeros(4, 3)), Throws.ArgumentException);
            Assert.That(() => PiecewiseConstantTable.Lookup(zeros(3, 4), zeros(2), zeros(4, 3)), Throws.ArgumentException);
            Assert.That(() => PiecewiseConstantTable.Lookup(zeros(3, 3), zeros(2, 2), zeros(4, 3)), Throws.ArgumentException);
        });
    }

    private static TrainableMatrixActivation Random(long features, int bandwidth,
        MatrixActivationSharing sharing = MatrixActivationSharing.PerNeuron, bool breaksPerNeuron = false, int featureDim = -1)
    {
        var unit = new TrainableMatrixActivation(features, [-1, -0.5, 0, 0.25, 0.75], bandwidth, sharing: sharing,
            featureDim: featureDim, breaksPerNeuron: breaksPerNeuron);
        unit.to(Double);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        foreach (var table in unit.parameters()) table.normal_();
        if (breaksPerNeuron) unit.Breaks.add_(torch.rand(features, 1, Double) * 0.2);
        return unit;
    }
}
