using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Text;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Text;

public class SymbolsTests
{
    [Test]
    public void BytesAreNumberedInTheirOrder()
    {
        using var scope = NewDisposeScope();
        var symbols = Symbols.Of("banana"u8);
        Assert.That(symbols.Values.ToArray(), Is.EqualTo("abn"u8.ToArray()));
        Assert.That(symbols.Encode("nab"u8).data<byte>().ToArray(), Is.EqualTo(new byte[] { 2, 0, 1 }));
        Assert.That(symbols.Decode(tensor(new[] { 1, 0, 2 })), Is.EqualTo("ban"u8.ToArray()));
        Assert.That(Symbols.Of(symbols.Values).Values.ToArray(), Is.EqualTo(symbols.Values.ToArray()));
    }

    [Test]
    [Category("Property")]
    public void WhatIsEncodedDecodes() => Gen.Byte.Array[1, 300].Sample(text =>
    {
        using var scope = NewDisposeScope();
        var symbols = Symbols.Of(text);
        var numbers = symbols.Encode(text);
        Assert.That(symbols.Decode(numbers), Is.EqualTo(text));
        Assert.That(symbols.Count, Is.EqualTo(text.Distinct().Count()));
        Assert.That(numbers.max().item<byte>(), Is.EqualTo(symbols.Count - 1));
        Assert.That(Symbols.All.Decode(Symbols.All.Encode(text)), Is.EqualTo(text));
        Assert.That(Symbols.All.Encode(text).data<byte>().ToArray(), Is.EqualTo(text));
    }, iter: 50, threads: 1);

    [Test]
    public void EmptyTextsHaveNoSymbolsButCanBeEncoded()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => Symbols.Of([]));
        Assert.That(Symbols.All.Encode([]).shape, Is.EqualTo(new long[] { 0 }));
        Assert.That(Symbols.All.Decode(zeros(0, int64)), Is.Empty);
    }

    [Test]
    public void UnknownBytesAndNumbersAreNamed()
    {
        using var scope = NewDisposeScope();
        var symbols = Symbols.Of("ab"u8);
        Assert.That(() => symbols.Encode("abc"u8), Throws.ArgumentException.With.Message.Contains("0x63 at 2"));
        Assert.That(() => symbols.Decode(tensor(new long[] { 0, 2 })), Throws.ArgumentException.With.Message.Contains("got 2 at 1"));
        Assert.That(() => symbols.Decode(tensor(new long[] { -1 })), Throws.ArgumentException.With.Message.Contains("-1"));
        Assert.That(() => symbols.Decode(zeros(2, 2, int64)), Throws.ArgumentException.With.Message.Contains("(2, 2)"));
        Assert.That(() => symbols.Decode(zeros(2)), Throws.ArgumentException.With.Message.Contains("Float32"));
    }
}
