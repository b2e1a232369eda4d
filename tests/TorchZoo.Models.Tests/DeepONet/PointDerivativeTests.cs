using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class PointDerivativeTests
{
    private static readonly int[][] Axes = [[0], [1], [0, 0], [1, 1], [0, 1], [0, 0, 1]];

    private DisposeScope _scope = null!;

    [SetUp]
    public void Seed()
    {
        _scope = NewDisposeScope();
        random.manual_seed(0);
    }

    [TearDown]
    public void End() => _scope.Dispose();

    private static TNet Ready<TNet>(TNet net) where TNet : nn.Module
    {
        net.to(ScalarType.Float64);
        return net;
    }

    private static DeepONetConfig Config(int outputs) => new()
    {
        LayerSizesBranch = [4, 6, 6],
        LayerSizesTrunk = [2, 6, 6],
        Activation = "tanh",
        NumOutputs = outputs,
        MultiOutputStrategy = outputs == 1 ? null : MultiOutputStrategy.SplitBoth,
    };

    [Test]
    public void They_are_those_of_central_differences(
        [ValueSource(nameof(Axes))] int[] axes, [Values(1, 3)] int outputs, [Values] bool cartesian, [Values] bool transformed)
    {
        OperatorNet model = cartesian ? Ready(new DeepONetCartesianProd(Config(outputs))) : Ready(new DeepONet(Config(outputs)));
        long[] pointwise = !cartesian ? [-1, 1] : outputs == 1 ? [1, -1] : [1, -1, 1];
        if (transformed) model.OutputTransform = (_, x, s) => s.square() * x.sin().sum(1).reshape(pointwise);
        Tensor u = randn(5, 4, dtype: ScalarType.Float64), y = randn(5, 2, dtype: ScalarType.Float64).requires_grad_();
        var found = PointDerivative.Of(model.call(u, y), y, axes);

        // All points move at once along the last axis; the derivatives by the axes before it are taken for granted, order by order.
        const double step = 1e-5;
        var shift = zeros(1, 2, ScalarType.Float64);
        shift[0, axes[^1]] = step;
        var expected = (Before(y + shift) - Before(y - shift)) / (2 * step);
        Assert.That(found.shape, Is.EqualTo(expected.shape));
        Assert.That((found - expected).abs().max().item<double>(), Is.LessThan(1e-7));

        Tensor Before(Tensor at)
        {
            var points = at.detach().requires_grad_();
            var output = model.call(u, points);
            return axes.Length == 1 ? output : PointDerivative.Of(output, points, axes[..^1]);
        }
    }

    [Test]
    public void Functions_don_t_mix()
    {
        var model = Ready(new DeepONetCartesianProd(Config(1)));
        Tensor u = randn(3, 4, dtype: ScalarType.Float64), y = randn(5, 2, dtype: ScalarType.Float64).requires_grad_();
        var all = PointDerivative.Of(model.call(u, y), y, 0, 1);
        for (var i = 0; i < 3; i++)
        {
            var alone = PointDerivative.Of(model.call(u.narrow(0, i, 1), y), y, 0, 1)[0];
            Assert.That((all[i] - alone).abs().max().item<double>(), Is.LessThan(1e-12));
        }
    }

    [Test]
    public void What_doesn_t_depend_on_the_points_has_derivative_zero()
    {
        var linear = Ready(new DeepONetCartesianProd(Config(1) with { Activation = "identity" }));
        Tensor u = randn(3, 4, dtype: ScalarType.Float64), y = randn(5, 2, dtype: ScalarType.Float64).requires_grad_();
        Assert.Multiple(() =>
        {
            Assert.That(PointDerivative.Of(linear.call(u, y), y, 0).abs().min().item<double>(), Is.Positive);
            Assert.That(PointDerivative.Of(linear.call(u, y), y, 0, 1).abs().max().item<double>(), Is.Zero);
            Assert.That(PointDerivative.Of(linear.Encode(u).sum() * y.new_ones(3, 5), y, 0).abs().max().item<double>(), Is.Zero);
        });
    }

    [Test]
    public void A_physics_informed_residual_trains_by_its_true_gradient([Values] bool cartesian)
    {
        OperatorNet model = cartesian ? Ready(new DeepONetCartesianProd(Config(1))) : Ready(new DeepONet(Config(1)));
        Tensor u = randn(4, 4, dtype: ScalarType.Float64), points = rand(4, 2, dtype: ScalarType.Float64);
        CentralDifferences.Check(Residual, model.parameters());

        // s_t = D s_xx + k s² + f
        Tensor Residual()
        {
            var y = points.detach().requires_grad_();
            var s = model.call(u, y);
            var residual = PointDerivative.Of(s, y, 1) - 0.1 * PointDerivative.Of(s, y, 0, 0) - 0.5 * s * s - 0.3;
            return residual.square().mean();
        }
    }

    [Test]
    public void Bad_input_is_refused()
    {
        var model = new DeepONet(Config(1));
        var y = randn(3, 2);
        var s = model.call(randn(3, 4), y);
        Assert.Multiple(() =>
        {
            Assert.That(() => PointDerivative.Of(s, y, 0), Throws.ArgumentException.With.Message.Contains("required gradients"));
            y.requires_grad_();
            Assert.That(() => PointDerivative.Of(s, y, 2), Throws.ArgumentException.With.Message.Contains("axes from 0 to 1, got 2"));
            Assert.That(() => PointDerivative.Of(s, y), Throws.ArgumentException.With.Message.Contains("one axis or more"));
            Assert.That(() => PointDerivative.Of(s, y.flatten(), 0), Throws.ArgumentException.With.Message.Contains("(points, d)"));
        });
    }
}
