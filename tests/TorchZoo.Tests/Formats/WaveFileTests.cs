using System.Text;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class WaveFileTests
{
    private const ushort Extensible = 0xFFFE;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    // The largest error within the range that the encoding has: half a step, and float32's own rounding on the way back.
    [TestCase(WaveEncoding.Pcm8, 0.5 / 128)]
    [TestCase(WaveEncoding.Pcm16, 0.5 / 32768)]
    [TestCase(WaveEncoding.Pcm24, 0.5 / 8388608)]
    [TestCase(WaveEncoding.Pcm32, 0.5 / 2147483648 + 1.0 / (1 << 25))]
    [TestCase(WaveEncoding.Float32, 0)]
    [TestCase(WaveEncoding.Float64, 0)]
    [Category("Property")]
    public void ASoundComesBackWithinHalfAStep(WaveEncoding encoding, double bound)
    {
        var sizes = Gen.Select(Gen.Int[1, 5], Gen.OneOf(Gen.Int[0, 9], Gen.Const(700_001 / 5)), Gen.Int[1, 200_000], Gen.ULong);
        sizes.Sample((channels, length, rate, seed) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(seed);
            // Within the largest integer of 8 bits, so that nothing is clipped.
            var samples = (rand([channels, length], generator: generator) * 2 - 1) * (127.0 / 128);
            WaveFile.Save(_folder["a.wav"], samples, rate, encoding);
            using var again = WaveFile.Load(_folder["a.wav"]);
            Assert.That((again.SampleRate, again.Samples.dtype), Is.EqualTo((rate, ScalarType.Float32)));
            Assert.That(again.Samples.shape, Is.EqualTo(samples.shape));
            Assert.That(again.Duration, Is.EqualTo((double)length / rate));
            if (length > 0)
                Assert.That((again.Samples.to(ScalarType.Float64) - samples).abs().max().item<double>(), Is.LessThanOrEqualTo(bound));
        }, iter: 6, threads: 1);
    }

    [TestCase(WaveEncoding.Pcm8, 127 / 128.0)]
    [TestCase(WaveEncoding.Pcm16, 32767 / 32768.0)]
    [TestCase(WaveEncoding.Pcm24, 8388607 / 8388608.0)]
    [TestCase(WaveEncoding.Pcm32, 1)] // the nearest float32
    [TestCase(WaveEncoding.Float32, 1)]
    [TestCase(WaveEncoding.Float64, 1)]
    public void WhatIsTooLoudIsClipped(WaveEncoding encoding, double largest)
    {
        using var scope = NewDisposeScope();
        WaveFile.Save(_folder["a.wav"], tensor(new[] { 1.0, -1.0, 7.5, -1e30, 0 }), 8000, encoding);
        using var again = WaveFile.Load(_folder["a.wav"]);
        Assert.That(again.Samples.data<float>().ToArray(), Is.EqualTo(new[] { (float)largest, -1, (float)largest, -1, 0 }));
    }

    [Test]
    public void TheFileIsWhatTheStandardSays()
    {
        using var scope = NewDisposeScope();
        WaveFile.Save(_folder["a.wav"], tensor(new[,] { { 0.5, -1.0 }, { 0.25, 0.0 } }), 8000);
        Assert.That(File.ReadAllBytes(_folder["a.wav"]), Is.EqualTo(Riff(44,
            Chunk("fmt ", [1, 0, 2, 0, 0x40, 0x1F, 0, 0, 0x00, 0x7D, 0, 0, 4, 0, 16, 0]),
            Chunk("data", [0x00, 0x40, 0x00, 0x20, 0x00, 0x80, 0, 0]))));
        Assert.That(_folder.Files, Is.EqualTo(new[] { "a.wav" }), "nothing else is left in the folder");
    }

    [Test]
    public void AnOddNumberOfBytesIsPadded()
    {
        using var scope = NewDisposeScope();
        WaveFile.Save(_folder["a.wav"], zeros(3), 8000, WaveEncoding.Pcm8);
        Assert.That(File.ReadAllBytes(_folder["a.wav"]), Is.EqualTo(Riff(40,
            Chunk("fmt ", [1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0]), Chunk("data", [128, 128, 128]))));
    }

    [TestCase(1, 8, new byte[] { 0, 128, 255, 192 }, new[] { -1, 0, 127 / 128.0, 0.5 })]
    [TestCase(1, 5, new byte[] { 0, 128, 248, 192 }, new[] { -1, 0, 120 / 128.0, 0.5 })]
    [TestCase(1, 16, new byte[] { 0, 0x80, 0xFF, 0xFF, 1, 0, 0xFF, 0x7F }, new[] { -1, -1 / 32768.0, 1 / 32768.0, 32767 / 32768.0 })]
    [TestCase(1, 12, new byte[] { 0, 0x80, 0xF0, 0x7F }, new[] { -1, 2047 / 2048.0 })]
    [TestCase(1, 24, new byte[] { 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 1, 2, 3 }, new[] { -1, -1 / 8388608.0, 0x030201 / 8388608.0 })]
    [TestCase(1, 32, new byte[] { 0, 0, 0, 0x80, 0, 0, 0, 0x40 }, new[] { -1, 0.5 })]
    [TestCase(3, 32, new byte[] { 0, 0, 0x80, 0xBF, 0, 0, 0, 0x40 }, new[] { -1.0, 2.0 })]
    [TestCase(3, 64, new byte[] { 0, 0, 0, 0, 0, 0, 0xE0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x80 }, new[] { 0.5, -0.0 })]
    public void EveryLayoutIsRead(int tag, int bits, byte[] data, double[] expected)
    {
        foreach (var format in new[] { Format(tag, 1, bits), Format(tag, 1, bits, extra: [0, 0]), ExtensibleFormat(tag, 1, bits) })
            Assert.That(Load(Riff(Chunk("fmt ", format), Chunk("data", data))), Is.EqualTo(expected.Select(x => (float)x)));
    }

    [Test]
    public void ChannelsTakeTurns()
    {
        File.WriteAllBytes(_folder["a.wav"], Riff(Chunk("fmt ", Format(1, 3, 8)), Chunk("data", [128, 64, 0, 192, 64, 128])));
        using var sound = WaveFile.Load(_folder["a.wav"]);
        Assert.That(sound.Samples.shape, Is.EqualTo(new long[] { 3, 2 }));
        Assert.That(sound.Samples.data<float>().ToArray(), Is.EqualTo(new[] { 0, 0.5f, -0.5f, -0.5f, -1, 0 }));
    }

    [Test]
    public void OtherChunksAreSkippedWithTheirPadding() => Assert.That(Load(Riff(
        Chunk("JUNK", []), Chunk("LIST", "INFOISFT"u8.ToArray()), Chunk("odd ", [1, 2, 3]), Chunk("fmt ", Format(1, 1, 8)),
        Chunk("fact", [2, 0, 0, 0]), Chunk("odd ", [9]), Chunk("data", [0, 128, 192]), Chunk("id3 ", [1, 2, 3, 4]))),
        Is.EqualTo(new[] { -1, 0, 0.5f }));

    [TestCase(0u, 36u)]
    [TestCase(0u, 0u)]
    [TestCase(0u, uint.MaxValue)]
    [TestCase(uint.MaxValue, uint.MaxValue)]
    [TestCase(uint.MaxValue, 0u)]
    [TestCase(0x7FFFF000u, 0x7FFFF024u)]
    public void AStreamEndsWithItsFile(uint dataSize, uint riffSize)
    {
        // The last byte is half a sample, where the program was stopped.
        var bytes = Riff((int)riffSize, Chunk("fmt ", Format(1, 1, 16)), Chunk("data", [0, 0x80, 0, 0x40, 7], (int)dataSize));
        Assert.That(Load(bytes[..^1]), Is.EqualTo(new[] { -1, 0.5f }));
    }

    [Test]
    public void NoSamplesBeforeFurtherChunksAreNoStream()
    {
        Assert.That(Load(Riff(Chunk("fmt ", Format(1, 2, 16)), Chunk("data", []), Chunk("LIST", [1, 2, 3, 4]))), Is.Empty);
        Assert.That(Load(Riff(Chunk("fmt ", Format(1, 2, 16)), Chunk("data", []))), Is.Empty);
    }

    [Test]
    public void DamagedFilesAreNamedWithTheReason()
    {
        var (format, data) = (Chunk("fmt ", Format(1, 2, 16)), Chunk("data", [1, 2, 3, 4]));
        Assert.Multiple(() =>
        {
            Refused("does not begin as a RIFF/WAVE file does", []);
            Refused("does not begin as a RIFF/WAVE file does", Encoding.ASCII.GetBytes("RIFX0000WAVEfmt "));
            Refused("does not begin as a RIFF/WAVE file does", Encoding.ASCII.GetBytes("RIFF0000AVI fmt "));
            Refused("it has no samples", Riff());
            Refused("it has no samples", Riff(format));
            Refused("its samples come before their format", Riff(data, format));
            Refused("4 bytes of samples are declared, 3 are there", Riff(format, data)[..^1]);
            Refused("3 bytes of samples are no whole number of frames of 4 bytes", Riff(format, Chunk("data", [1, 2, 3])));
            Refused("a chunk of 1000 bytes at byte 20 ends after the file", Riff(Chunk("LIST", [1, 2, 3, 4], 1000), format, data));
            Refused("its format has 14 bytes", Riff(Chunk("fmt ", Format(1, 2, 16)[..14]), data));
            Refused("its extensible format has 16 bytes", Riff(Chunk("fmt ", Format(Extensible, 2, 16)), data));
            Refused("GUID that isn't known", Riff(Chunk("fmt ", [.. ExtensibleFormat(1, 2, 16)[..^1], 0]), data));
            Refused("encoded by format 7;", Riff(Chunk("fmt ", Format(7, 2, 8)), data));
            Refused("encoded by format 85;", Riff(Chunk("fmt ", ExtensibleFormat(85, 2, 16)), data));
            Refused("samples of 0 bits", Riff(Chunk("fmt ", Format(1, 2, 0)), data));
            Refused("samples of 40 bits", Riff(Chunk("fmt ", Format(1, 2, 40)), data));
            Refused("samples of 16 bits", Riff(Chunk("fmt ", Format(3, 2, 16)), data));
            Refused("it has no channels", Riff(Chunk("fmt ", Format(1, 0, 16)), data));
            Refused("it has 0 samples a second", Riff(Chunk("fmt ", Format(1, 2, 16, rate: 0)), data));
            Refused("frames of 6 bytes for 2 samples of 16 bits", Riff(Chunk("fmt ", Format(1, 2, 16, frame: 6)), data));
            Refused("no finite numbers", Riff(Chunk("fmt ", Format(3, 1, 32)), Chunk("data", [0, 0, 0xC0, 0x7F])));
            Refused("no finite numbers", Riff(Chunk("fmt ", Format(3, 1, 64)), Chunk("data", [0, 0, 0, 0, 0, 0, 0xE0, 0x7F])));
        });

        void Refused(string reason, byte[] bytes) =>
            Assert.That(() => Load(bytes), Throws.TypeOf<InvalidDataException>().With.Message.Contains(_folder["a.wav"])
                .And.Message.Contains(reason));
    }

    [Test]
    [Category("Property")]
    public void AChangedFileIsReadOrRefused()
    {
        using var scope = NewDisposeScope();
        var samples = rand([2, 30], generator: new Generator(1)) - 0.5;
        byte[][] files = [.. Enum.GetValues<WaveEncoding>().Select(e =>
        {
            WaveFile.Save(_folder["a.wav"], samples, 8000, e);
            return File.ReadAllBytes(_folder["a.wav"]);
        })];
        var random = new Random(5);
        var refused = 0;
        for (var round = 0; round < 3000; round++)
        {
            var bytes = files[round % files.Length].ToArray();
            for (var k = random.Next(1, 4); k > 0; k--) bytes[random.Next(Math.Min(bytes.Length, 90))] = (byte)random.Next(256);
            if (random.Next(4) == 0) bytes = bytes[..random.Next(bytes.Length)];
            try
            {
                Load(bytes);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.InRange(300, 2900));
    }

    [Test]
    public void WhatCannotBeWrittenIsRefusedBeforeTheFileIsTouched()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], zeros(1, 1, 1), 8000));
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], zeros(0, 5), 8000));
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], zeros(5, ScalarType.Int16), 8000));
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], zeros(40_000, 1), 8000));
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], zeros(1).expand(1L << 31), 8000));
            Refused("samples", () => WaveFile.Save(_folder["a.wav"], tensor(new[] { 0, double.NaN }), 8000));
            Refused("sampleRate", () => WaveFile.Save(_folder["a.wav"], zeros(5), 0));
            Refused("encoding", () => WaveFile.Save(_folder["a.wav"], zeros(5), 8000, (WaveEncoding)9));
            Refused("path", () => WaveFile.Save(" ", zeros(5), 8000));
            Refused("path", () => WaveFile.Load(""));
            Assert.That(() => WaveFile.Load(_folder["nowhere.wav"]), Throws.InstanceOf<IOException>());
        });
        Assert.That(_folder.Files, Is.Empty);

        static void Refused(string parameter, Action call) =>
            Assert.That(call, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(parameter));
    }

    private float[] Load(byte[] bytes)
    {
        File.WriteAllBytes(_folder["a.wav"], bytes);
        using var sound = WaveFile.Load(_folder["a.wav"]);
        return sound.Samples.numel() == 0 ? [] : sound.Samples.data<float>().ToArray();
    }

    private static byte[] Riff(params byte[][] chunks) => Riff(4 + chunks.Sum(c => c.Length), chunks);

    private static byte[] Riff(int size, params byte[][] chunks) =>
        [.. "RIFF"u8, .. BitConverter.GetBytes(size), .. "WAVE"u8, .. chunks.SelectMany(c => c)];

    private static byte[] Chunk(string name, byte[] bytes, int? size = null) =>
        [.. Encoding.ASCII.GetBytes(name), .. BitConverter.GetBytes(size ?? bytes.Length), .. bytes, .. new byte[bytes.Length % 2]];

    private static byte[] Format(int tag, int channels, int bits, int rate = 8000, int? frame = null, byte[]? extra = null) =>
    [
        .. Short(tag), .. Short(channels), .. BitConverter.GetBytes(rate), .. BitConverter.GetBytes(rate * channels * ((bits + 7) / 8)),
        .. Short(frame ?? channels * ((bits + 7) / 8)), .. Short(bits), .. extra ?? [],
    ];

    private static byte[] ExtensibleFormat(int tag, int channels, int bits) => Format(Extensible, channels, bits, extra:
    [
        .. Short(22), .. Short(bits), 0, 0, 0, 0, .. Short(tag), 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71,
    ]);

    private static byte[] Short(int value) => BitConverter.GetBytes((ushort)value);
}
