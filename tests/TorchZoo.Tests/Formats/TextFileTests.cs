using System.IO.Compression;
using NUnit.Framework;
using TorchZoo.Data.Formats;

namespace TorchZoo.Tests.Formats;

public class TextFileTests
{
    private static byte[] Zip(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Fastest)) zip.Write(content);
        return memory.ToArray();
    }

    private static byte[] Text { get; } = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * i % 251))];

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(100_000)]
    public void PlainAndCompressedTextsAreTheSame(int length)
    {
        var text = Text[..length];
        Assert.That(TextFile.ReadBytes(new MemoryStream(text), "plain"), Is.EqualTo(text));
        Assert.That(TextFile.ReadBytes(new MemoryStream(Zip(text)), "zipped"), Is.EqualTo(text));
    }

    [Test]
    public void FilesAreReadByTheirPath()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Zip(Text));
            Assert.That(TextFile.ReadBytes(path), Is.EqualTo(Text));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void CutOffTextsAreRefused()
    {
        var zipped = Zip(Text);
        foreach (var length in new[] { 2, 3, 11, 30, zipped.Length / 2, zipped.Length - 8, zipped.Length - 1 })
            Assert.That(() => TextFile.ReadBytes(new MemoryStream(zipped[..length]), "cut.gz"),
                Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("cut.gz: "), $"{length} of {zipped.Length} bytes");
    }

    [Test]
    public void DamagedTextsAreRefused()
    {
        var zipped = Zip(Text);
        zipped[^7] ^= 1;
        Assert.That(() => TextFile.ReadBytes(new MemoryStream(zipped), "damaged.gz"),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("damaged.gz: "));
    }
}
