using NUnit.Framework;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Native;

public class OneDnnTests
{
    [Test]
    public void WhereItIsWrongItCanBeSwitchedOff() => Assert.That(TorchRuntime.Notice ?? "", Does.Not.Contain("cannot"));

    // After TorchRuntime.EnsureLoaded, few-channel convolutions must have right gradients on every machine.
    [TestCase(8, 8, 3, 2), TestCase(64, 1, 9, 1), TestCase(12, 12, 3, 2), TestCase(3, 5, 1, 2), TestCase(16, 16, 3, 2), TestCase(1, 1, 5, 1)]
    public void ConvolutionGradientsEqualThoseInDoublePrecision(int from, int to, int kernel, int axes)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var x = randn([3, from, .. Enumerable.Repeat(20L, axes)], generator: generator);
        var w = randn([to, from, .. Enumerable.Repeat((long)kernel, axes)], generator: generator);
        var (single, twice) = (Gradients(ScalarType.Float32), Gradients(ScalarType.Float64));
        for (var i = 0; i < 2; i++)
            Assert.That((single[i].to(ScalarType.Float64) - twice[i]).norm().item<double>() / twice[i].norm().item<double>(), Is.LessThan(1e-5));

        Tensor[] Gradients(ScalarType type)
        {
            Tensor a = x.to(type).detach().requires_grad_(), b = w.to(type).detach().requires_grad_();
            var y = axes == 1 ? nn.functional.conv1d(a, b, padding: kernel / 2) : nn.functional.conv2d(a, b, padding: [kernel / 2, kernel / 2]);
            y.sin().sum().backward();
            return [a.grad!, b.grad!];
        }
    }
}
