using NUnit.Framework;
using TorchZoo.Optimizers;
using TorchZoo.Tests.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class ExponentialMovingAverageTests
{
    [Test]
    public void IsTheRecursionInClosedForm([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var net = nn.Linear(700, 70, dtype: dtype);
        using var average = new ExponentialMovingAverage(net, 0.6);
        var weight = net.weight!;
        using var off = no_grad();
        weight.fill_(1);
        average.CopyFromModule();
        var expected = 1.0;
        for (var n = 1; n <= 12; n++)
        {
            weight.fill_(n);
            average.Update();
            var decay = Math.Min(0.6, (1.0 + n) / (10 + n));
            expected = decay * expected + (1 - decay) * n;
        }
        using (average.Swap())
            Assert.That(weight.to(ScalarType.Float64).sub(expected).abs().max().item<double>(), Is.LessThan(dtype == ScalarType.BFloat16 ? 0.3 : 1e-5));
        Assert.That(weight.to(ScalarType.Float64).sub(12).abs().max().item<double>(), Is.Zero);
    }

    [Test]
    public void BadDecayIsRefused()
    {
        using var net = Regression.Net();
        Assert.That(() => new ExponentialMovingAverage(net, 1), Throws.InstanceOf<ArgumentException>());
    }
}
