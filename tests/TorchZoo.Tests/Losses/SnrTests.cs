using NUnit.Framework;
using TorchZoo.Losses;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Losses;

public sealed class SnrTests
{
    [Test]
    public void ItIsTheSignalsPowerOverTheErrors()
    {
        using var scope = NewDisposeScope();
        var truth = tensor(new[] { 3.0, -4.0 });
        Assert.That(Snr.Decibels(truth * 1.1, truth), Is.EqualTo(20).Within(1e-9));
        Assert.That(Snr.Decibels(zeros_like(truth), truth), Is.Zero);
        Assert.That(Snr.Decibels(truth + tensor(new[] { 0.0, 0.5 }), truth), Is.EqualTo(20).Within(1e-9));
        Assert.That(Snr.Decibels(truth, truth), Is.EqualTo(double.PositiveInfinity));
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.That(() => Snr.Decibels(ones(2), ones(2, 1)), Throws.ArgumentException);
        Assert.That(() => Snr.Decibels(ones(0), ones(0)), Throws.ArgumentException);
        Assert.That(() => Snr.Decibels(ones(2), zeros(2)), Throws.ArgumentException);
        Assert.That(() => Snr.Decibels(ones(2, dtype: ScalarType.Int64), ones(2, dtype: ScalarType.Int64)), Throws.ArgumentException);
    }
}
