using NUnit.Framework;
using TorchZoo.Losses;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Losses;

public class TokenCrossEntropyTests
{
    [Test]
    public void EqualLogitsCostTheLogarithmOfTheVocabulary()
    {
        using var scope = NewDisposeScope();
        var (logits, targets) = (zeros(2, 3, 8), ones(2, 3, int64));
        Assert.That(TokenCrossEntropy.Loss(logits, targets).item<float>(), Is.EqualTo(Math.Log(8)).Within(1e-6));
        Assert.That(TokenCrossEntropy.Bits(logits, targets).item<float>(), Is.EqualTo(3).Within(1e-6));
    }

    [Test]
    public void TheMeanIsOverTheTokensThatCount()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var logits = randn([2, 3, 5], float64, generator: generator);
        var targets = tensor(new long[,] { { 4, TokenCrossEntropy.Ignored, 0 }, { TokenCrossEntropy.Ignored, 1, 2 } });
        var p = logits.exp() / logits.exp().sum(-1, keepdim: true);
        var expected = -(p[0, 0, 4].log() + p[0, 2, 0].log() + p[1, 1, 1].log() + p[1, 2, 2].log()) / 4;
        Assert.That(TokenCrossEntropy.Loss(logits, targets).item<double>(), Is.EqualTo(expected.item<double>()).Within(1e-12));
        var right = new[] { (0, 0, 4), (0, 2, 0), (1, 1, 1), (1, 2, 2) }
            .Count(e => logits[e.Item1, e.Item2].argmax().item<long>() == e.Item3);
        Assert.That(TokenCrossEntropy.Accuracy(logits, targets).item<float>(), Is.EqualTo(right / 4f));
        Assert.That(TokenCrossEntropy.Accuracy(nn.functional.one_hot(targets.clamp(0), 5), targets).item<float>(), Is.EqualTo(1f));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        Assert.That(() => TokenCrossEntropy.Loss(zeros(2, 3, 8), zeros(2, 4, int64)), Throws.ArgumentException.With.Message.Contains("(2, 4)"));
        Assert.That(() => TokenCrossEntropy.Loss(zeros(2, 3, 8), zeros(2, 3)), Throws.ArgumentException.With.Message.Contains("Float32"));
    }
}
