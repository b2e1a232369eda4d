using NUnit.Framework;
using TorchZoo.Losses;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Losses;

public sealed class PsnrTests
{
    [Test]
    public void ClosedForms()
    {
        using var scope = NewDisposeScope();
        Assert.That(Psnr.Decibels(zeros(3, 4), full([3, 4], 0.1)), Is.EqualTo(20).Within(1e-5));
        Assert.That(Psnr.Decibels(zeros(3, 4), full([3, 4], 0.2), peak: 2), Is.EqualTo(20).Within(1e-5));
        Assert.That(Psnr.Decibels(ones(2), ones(2)), Is.EqualTo(double.PositiveInfinity));
        Assert.That(() => Psnr.Decibels(ones(2), ones(2, 1)), Throws.ArgumentException);
        Assert.That(() => Psnr.Decibels(ones(2), ones(2), 0), Throws.ArgumentException);
        Assert.That(() => Psnr.Decibels(ones(0), ones(0)), Throws.ArgumentException);
    }
}
