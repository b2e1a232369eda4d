using CsCheck;
using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Data.Text;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Text;

public class TokenWindowsTests
{
    [Test]
    [Category("Property")]
    public void EveryPieceIsAPartOfTheSequence() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 15], Gen.Int[0, 3], Gen.Int[0, 60]).Sample((length, stride, ahead, more) =>
        {
            using var scope = NewDisposeScope();
            var count = length + ahead + more;
            var windows = new TokenWindows(arange(count, ScalarType.Byte), length, stride, ahead);
            Assert.That(windows.Count, Is.EqualTo(Enumerable.Range(0, count).Count(i => i % stride == 0 && i + length + ahead <= count)));
            var batch = (Pairs)windows.Take(arange(windows.Count).flip(0));
            for (var i = 0; i < windows.Count; i++)
            {
                var first = (windows.Count - 1 - i) * stride;
                Assert.That(batch.Input[i].data<long>().ToArray(), Is.EqualTo(Enumerable.Range((int)first, length).Select(k => (long)k)));
                Assert.That(batch.Target[i].data<long>().ToArray(), Is.EqualTo(Enumerable.Range((int)first + ahead, length).Select(k => (long)k)));
            }
        }, iter: 60, threads: 1);

    [Test]
    public void ByDefaultEachTokenIsInOnePiece()
    {
        using var scope = NewDisposeScope();
        var windows = new TokenWindows(arange(13), 4);
        Assert.That((windows.Count, windows.Stride), Is.EqualTo((3, 4)));
        var batch = (Pairs)windows.Take(arange(3));
        Assert.That(batch.Input.flatten().data<long>().ToArray(), Is.EqualTo(Enumerable.Range(0, 12)));
        Assert.That(batch.Target.flatten().data<long>().ToArray(), Is.EqualTo(Enumerable.Range(1, 12)));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var tokens = arange(8);
        Assert.That(() => new TokenWindows(tokens, 8), Throws.ArgumentException.With.Message.Contains("at least 9 tokens, got 8"));
        Assert.DoesNotThrow(() => _ = new TokenWindows(tokens, 8, ahead: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new TokenWindows(tokens, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new TokenWindows(tokens, 2, stride: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new TokenWindows(tokens, 2, ahead: -1));
        Assert.That(() => new TokenWindows(zeros(8), 2), Throws.ArgumentException.With.Message.Contains("Float32"));
        Assert.That(() => new TokenWindows(zeros(2, 8, int64), 2), Throws.ArgumentException.With.Message.Contains("(2, 8)"));
    }
}
