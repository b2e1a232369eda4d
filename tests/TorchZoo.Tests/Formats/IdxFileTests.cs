using System.IO.Compression;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class IdxFileTests
{
    private static readonly ScalarType[] Storable =
        [ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Float32, ScalarType.Float64];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    // By hand from the format's description: the same two numbers in every type.
    private static IEnumerable<TestCaseData> Types()
    {
        yield return Case(0x08, ScalarType.Byte, [1, 200], "01C8");
        yield return Case(0x09, ScalarType.Int8, [1, -2], "01FE");
        yield return Case(0x0B, ScalarType.Int16, [258, -2], "0102FFFE");
        yield return Case(0x0C, ScalarType.Int32, [16909060, -2], "01020304FFFFFFFE");
        yield return Case(0x0D, ScalarType.Float32, [1, -2.5], "3F800000C0200000");
        yield return Case(0x0E, ScalarType.Float64, [1, -2.5], "3FF0000000000000C004000000000000");

        static TestCaseData Case(int code, ScalarType type, double[] values, string elements) =>
            new TestCaseData($"0000{code:X2}0100000002{elements}", type, values).SetArgDisplayNames(type.ToString());
    }

    [TestCaseSource(nameof(Types))]
    public void EveryTypeIsReadAndWritten(string hex, ScalarType type, double[] values)
    {
        using var scope = NewDisposeScope();
        File.WriteAllBytes(_folder["a"], Convert.FromHexString(hex));
        var read = IdxFile.Load(_folder["a"]);
        IdxFile.Save(_folder["b"], read);
        Assert.Multiple(() =>
        {
            Assert.That(read.dtype, Is.EqualTo(type));
            Assert.That(read.to(ScalarType.Float64).data<double>().ToArray(), Is.EqualTo(values));
            Assert.That(Convert.ToHexString(File.ReadAllBytes(_folder["b"])), Is.EqualTo(hex));
        });
    }

    [Test, Category("Property")]
    public void WhatWasWrittenIsRead([Values("a.idx", "a.idx.gz")] string name) =>
        Gen.Select(Gen.Long[0, 6].Array[0, 5], Gen.Int[0, Storable.Length - 1].Select(i => Storable[i]), Gen.Bool, Gen.Long)
        .Sample((shape, type, isStrided, seed) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)seed);
            var tensor = (rand(shape, dtype: ScalarType.Float64, generator: generator) * 120).to(type);
            if (isStrided && tensor.dim() > 1) tensor = tensor.transpose(0, 1);
            IdxFile.Save(_folder[name], tensor);
            var read = IdxFile.Load(_folder[name]);
            Assert.That(read.shape, Is.EqualTo(tensor.shape));
            Assert.That(read.dtype, Is.EqualTo(type));
            Assert.That(read.to(ScalarType.Float64).allclose(tensor.to(ScalarType.Float64), 0, 0));
        }, iter: 60, threads: 1);

    [Test]
    public void ManyPiecesKeepTheirOrder([Values("a", "a.gz")] string name)
    {
        using var scope = NewDisposeScope();
        var tensor = arange(300_001, dtype: ScalarType.Int32);
        IdxFile.Save(_folder[name], tensor);
        Assert.That(IdxFile.Load(_folder[name]).Equals(tensor));
    }

    [Test]
    public void ContentTellsWhetherItIsCompressed()
    {
        using var scope = NewDisposeScope();
        IdxFile.Save(_folder["a.gz"], ones(3, dtype: ScalarType.Byte));
        Assert.That(File.ReadAllBytes(_folder["a.gz"])[..2], Is.EqualTo(new byte[] { 0x1F, 0x8B }));
        File.Move(_folder["a.gz"], _folder["plain"]);
        Assert.That(IdxFile.Load(_folder["plain"]).shape, Is.EqualTo(new long[] { 3 }));
        IdxFile.Save(_folder["b"], ones(3, dtype: ScalarType.Byte));
        File.Move(_folder["b"], _folder["b.gz"]);
        Assert.That(IdxFile.Load(_folder["b.gz"]).shape, Is.EqualTo(new long[] { 3 }));
    }

    [Test]
    public void AStreamIsReadFromWhereItStandsAndStaysOpen()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream(Convert.FromHexString("FFFF" + "000008010000000107"));
        stream.Position = 2;
        Assert.That(IdxFile.Load(stream).data<byte>().ToArray(), Is.EqualTo(new byte[] { 7 }));
        Assert.That(stream.CanRead);
    }

    [TestCase("", "ends early")]
    [TestCase("0000", "ends early")]
    [TestCase("0100080100000001", "no IDX file")]
    [TestCase("0001080100000001", "no IDX file")]
    [TestCase("00000A010000000101", "type of elements 0x0A")]
    [TestCase("0000080200000001", "ends early")]
    [TestCase("000008010000000201", "ends early")]
    [TestCase("00000D0100000001010203", "ends early")]
    [TestCase("00000801000000010102", "bytes after")]
    [TestCase("000008010000000000", "bytes after")]
    [TestCase("00000803FFFFFFFFFFFFFFFFFFFFFFFF", "too large")]
    [TestCase("0000080400000000FFFFFFFFFFFFFFFFFFFFFFFF", "too large")]
    [TestCase("00000802FFFFFFFF7FFFFFFF", "ends early")]
    [TestCase("00000841", "64 dimensions")]
    public void DamagedFilesAreRefused(string hex, string reason)
    {
        var bytes = Convert.FromHexString(hex);
        File.WriteAllBytes(_folder["plain"], bytes);
        File.WriteAllBytes(_folder["packed"], Gzip(bytes));
        foreach (var path in new[] { _folder["plain"], _folder["packed"] })
            Assert.That(() => IdxFile.Load(path),
                Throws.TypeOf<InvalidDataException>().With.Message.Contains(reason).And.Message.StartsWith(path), path);
    }

    [Test]
    public void DamagedCompressionIsRefused()
    {
        var packed = Gzip([0, 0, 8, 1, 0, 0, 0, 200, .. Enumerable.Range(0, 200).Select(i => (byte)(i * 97 >> 2))]);
        for (var length = 2; length < packed.Length - 8; length += 7) Refuse(packed[..length]);
        Refuse([.. packed[..30], (byte)~packed[30], .. packed[31..]]);
        Refuse([.. packed[..^8], (byte)~packed[^8], .. packed[^7..]]); // the checksum

        void Refuse(byte[] bytes)
        {
            File.WriteAllBytes(_folder["a.gz"], bytes);
            Assert.That(() => IdxFile.Load(_folder["a.gz"]),
                Throws.TypeOf<InvalidDataException>().With.Message.StartsWith(_folder["a.gz"]), $"{bytes.Length} bytes");
        }
    }

    [Test]
    public void NoMoreIsUnpackedThanTheHeaderSays()
    {
        // 64 MB of zeros behind ten elements.
        File.WriteAllBytes(_folder["bomb"], Gzip([0, 0, 8, 1, 0, 0, 0, 10, .. new byte[64 << 20]]));
        using var stream = new Counting(File.ReadAllBytes(_folder["bomb"]));
        Assert.That(() => IdxFile.Load(stream), Throws.TypeOf<InvalidDataException>().With.Message.Contains("bytes after"));
        Assert.That(stream.Count, Is.LessThan(stream.Length / 2));
    }

    [Test]
    public void BadArgumentsAreRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => IdxFile.Save(_folder["a"], ones(2, dtype: ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => IdxFile.Save(" ", ones(2)), Throws.ArgumentException);
            Assert.That(() => IdxFile.Load(""), Throws.ArgumentException);
            Assert.That(() => IdxFile.Load(new GZipStream(new MemoryStream(), CompressionMode.Decompress)), Throws.ArgumentException);
            Assert.That(() => IdxFile.Load(_folder["nothing"]), Throws.InstanceOf<IOException>());
        });
        Assert.That(_folder.Files, Is.Empty);
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Optimal)) zip.Write(bytes);
        return memory.ToArray();
    }

    // Says how much was read of it.
    private sealed class Counting(byte[] bytes) : MemoryStream(bytes)
    {
        public long Count { get; private set; }

        public override int Read(byte[] buffer, int offset, int count) => Add(base.Read(buffer, offset, count));

        public override int Read(Span<byte> buffer) => Add(base.Read(buffer));

        private int Add(int count)
        {
            Count += count;
            return count;
        }
    }
}
