using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class PeriodicWaveTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    [Test]
    public void InOneDimensionHalvesTravelBothWays([Values(64, 65)] int n)
    {
        using var scope = NewDisposeScope();
        const double length = 3, speed = 0.7, time = 0.9;
        var x = arange(n, dtype: ScalarType.Float64) * (length / n);
        static Tensor Bump(Tensor x) => (3 * (2 * Math.PI / length * x).cos()).exp();
        // d'Alembert
        var expected = (Bump(x - speed * time) + Bump(x + speed * time)) / 2;
        Assert.That(Distance(PeriodicWave.At(Bump(x), time, speed, length), expected), Is.LessThan(1e-11));
    }

    [Test]
    public void AStandingWaveOscillates([Values(0, 0.3, -1.7)] double time)
    {
        using var scope = NewDisposeScope();
        var x = arange(12, dtype: ScalarType.Float64).unsqueeze(1) / 12 * (2 * Math.PI);
        var y = arange(16, dtype: ScalarType.Float64) / 16 * (2 * Math.PI);
        var initial = (2 * x).sin() * (3 * y).cos() + 1;
        var expected = (2 * x).sin() * (3 * y).cos() * Math.Cos(5 * Math.Sqrt(13) * time) + 1;
        Assert.That(Distance(PeriodicWave.At(initial, time, speed: 5, length: 2 * Math.PI), expected), Is.LessThan(1e-12));
    }

    [Test]
    public void AGaussianInFreeSpaceIsItsHankelTransform()
    {
        using var scope = NewDisposeScope();
        const int n = 128;
        const double variance = 5e-3, time = 0.4;
        var axis = linspace(-2, 2, n + 1, ScalarType.Float64)[..^1];
        var initial = (-(axis.square().unsqueeze(1) + axis.square()) / (2 * variance)).exp();
        var wave = PeriodicWave.At(initial, time, length: 4);
        // u(r) = v ∫ exp(−k²v/2) cos(kt) J₀(kr) k dk
        var k = linspace(0, 120, 20_001, ScalarType.Float64);
        var weight = (-k.square() * (variance / 2)).exp() * (k * time).cos() * k * (variance * 120 / 20_000);
        foreach (var i in new[] { 64, 70, 77, 80, 90 })
        {
            var r = Math.Abs(axis[i].item<double>());
            var expected = (weight * special.bessel_j0(k * r)).sum().item<double>();
            Assert.That(wave[i, 64].item<double>(), Is.EqualTo(expected).Within(1e-6));
        }
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => PeriodicWave.At(zeros(3, dtype: ScalarType.Int64), 1), Throws.ArgumentException);
            Assert.That(() => PeriodicWave.At(zeros([]), 1), Throws.ArgumentException);
            Assert.That(() => PeriodicWave.At(zeros(0), 1), Throws.ArgumentException);
            Assert.That(() => PeriodicWave.At(zeros(3), double.NaN), Throws.ArgumentException);
            Assert.That(() => PeriodicWave.At(zeros(3), 1, speed: 0), Throws.ArgumentException);
            Assert.That(() => PeriodicWave.At(zeros(3), 1, length: -1), Throws.ArgumentException);
        });
    }
}
