using NUnit.Framework;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public class ErrorFunctionsTests
{
    // Summed with 900 digits.
    [TestCase(-20, 1.0442939379528289e+174)]
    [TestCase(-3, 16205.988853999586)]
    [TestCase(-1, 5.008980080762283)]
    [TestCase(0, 1.0)]
    [TestCase(0.3, 0.7345993345676551)]
    [TestCase(1, 0.427583576155807)]
    [TestCase(5, 0.11070463773306863)]
    [TestCase(12, 0.04685422101489376)]
    [TestCase(24.9, 0.022639987776049506)]
    [TestCase(25.1, 0.02245987581758139)]
    [TestCase(30, 0.01879588886141675)]
    [TestCase(100, 0.005641613782989433)]
    [TestCase(1000000, 5.641895835474742e-07)]
    public void KnownValues(double x, double value)
    {
        using var scope = NewDisposeScope();
        Assert.That(ErrorFunctions.Erfcx(tensor(x)).item<double>() / value, Is.EqualTo(1).Within(3e-13));
    }

    [Test]
    public void TheBranchesMeet()
    {
        using var scope = NewDisposeScope();
        var y = ErrorFunctions.Erfcx(tensor(new[] { 25 - 1e-9, 25 + 1e-9 })).data<double>().ToArray();
        Assert.That(y[0] / y[1], Is.EqualTo(1).Within(1e-9));
        GradCheck.Run(x => [ErrorFunctions.Erfcx(x[0]!)], [tensor(new[] { -2, 0, 0.5, 20, 30, 1e4 })], secondOrder: true);
        Assert.That(() => ErrorFunctions.Erfcx(zeros(2)), Throws.ArgumentException);
    }
}
