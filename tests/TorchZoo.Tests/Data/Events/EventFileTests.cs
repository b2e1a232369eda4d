using System.Text;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Events;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchZoo.Tests.Data.Events.AedatBytes;

namespace TorchZoo.Tests.Data.Events;

public class EventFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    private static (long, int, int, bool)[] Events(EventStream s) =>
        [.. Enumerable.Range(0, s.Count).Select(i => (s.Times[i], (int)s.X[i], (int)s.Y[i], s.IsOn[i]))];

    [Test]
    public void PolarityEventsOfVersion3AreRead()
    {
        // A special event's packet (type 0) in between, whose bytes look like a packet's header.
        File.WriteAllBytes(_folder["a.aedat"],
        [
            .. Header3, .. Packet(1, 8, 0, Event3(5, 1, 2, true), Event3(6, 3, 4, false, isValid: false), Event3(7, 127, 0, false)),
            .. Packet(0, 28, 0, Packet(1, 8, 0)), .. Packet(1, 8, 0), .. Packet(1, 8, 2, Event3(int.MaxValue, 0, 127, true)),
        ]);
        var stream = AedatFile.Load(_folder["a.aedat"]);
        Assert.That(Events(stream), Is.EqualTo([(5L, 1, 2, true), (7L, 127, 0, false), ((2L << 31) + int.MaxValue, 0, 127, true)]));
        Assert.That((stream.Width, stream.Height), Is.EqualTo((128, 128)));
    }

    [Test]
    public void AddressesOfVersion2AreRead()
    {
        // x = 3, y = 10, polarity bit 1; then bit 0; then a synchronisation's address.
        const uint address = (10 << 8) | (3 << 1);
        File.WriteAllBytes(_folder["a.aedat"], [.. Header2, .. Event2(100, address | 1), .. Event2(uint.MaxValue, address),
            .. Event2(7, 0x8000), .. Event2(3, address)]);
        Assert.Multiple(() =>
        {
            Assert.That(Events(AedatFile.Load(_folder["a.aedat"])), Is.EqualTo(
                [(100L, 117, 124, false), ((long)uint.MaxValue, 117, 124, true), ((1L << 32) + 3, 117, 124, true)]),
                "times go on after 2³² µs");
            Assert.That(Events(AedatFile.Load(_folder["a.aedat"], orientation: AedatOrientation.Jaer))[0],
                Is.EqualTo((100L, 124, 117, false)));
        });
    }

    [Test]
    public void SlightDisorderIsNoNewStart()
    {
        File.WriteAllBytes(_folder["a.aedat"], [.. Header2, .. Event2(100, 0), .. Event2(99, 0), .. Event2(101, 0)]);
        Assert.That(AedatFile.Load(_folder["a.aedat"]).Times.ToArray(), Is.EqualTo(new long[] { 100, 99, 101 }));
    }

    private static IEnumerable<TestCaseData> Damaged()
    {
        yield return Case("", "no AEDAT");
        yield return Case("#!AER-DAT4.0\r\n", "version");
        yield return Case("#!AER-DAT3.1\r\n#Format: RAW\r\n", "#!END-HEADER");
        yield return Case("#!AER-DAT3.1", "ends early");
        yield return Case("#!AER-DAT3.1\r\n" + new string('#', 5000), "longer");
        yield return Of("odd length", [.. Header2, .. Event2(1, 2), 0], "ends early");
        yield return Of("cut header", [.. Header3, .. Packet(1, 8, 0)[..20]], "ends early");
        yield return Of("cut packet", [.. Header3, .. Packet(1, 8, 0, Event3(1, 1, 1, true))[..^1]], "ends early");
        yield return Of("huge packet", [.. Header3, .. With(Packet(1, 8, 0, Event3(1, 1, 1, true)), 16, 255, 255, 255, 255)], "ends early");
        yield return Of("more events than room", [.. Header3, .. With(Packet(1, 8, 0, Event3(1, 1, 1, true)), 20, 2)], "room for 1");
        yield return Of("other size", [.. Header3, .. Packet(1, 4, 0, [1, 2, 3, 4])], "expected 8");
        yield return Of("beside the sensor", [.. Header3, .. Packet(1, 8, 0, Event3(1, 128, 1, true))], "beside the sensor");
        yield return Of("negative time", [.. Header3, .. Packet(1, 8, 0, Event3(1u << 31, 1, 1, true))], "negative");

        static TestCaseData Case(string text, string reason) => Of(text.Length > 20 ? text[..20] : text, Encoding.ASCII.GetBytes(text),
            reason);

        static TestCaseData Of(string name, byte[] bytes, string reason) => new TestCaseData(bytes, reason).SetArgDisplayNames(name.Trim());

        static byte[] With(byte[] bytes, int at, params byte[] values)
        {
            values.CopyTo(bytes, at);
            return bytes;
        }
    }

    [TestCaseSource(nameof(Damaged))]
    public void DamagedRecordingsAreRefused(byte[] bytes, string reason)
    {
        File.WriteAllBytes(_folder["a.aedat"], bytes);
        Assert.That(() => AedatFile.Load(_folder["a.aedat"]), Throws.TypeOf<InvalidDataException>()
            .With.Message.StartsWith(_folder["a.aedat"]).And.Message.Contains(reason));
    }

    [Test, Category("Property")]
    public void MutationsAreRefusedOrHarmless()
    {
        byte[] original = [.. Header3, .. Packet(1, 8, 0, Event3(5, 1, 2, true), Event3(6, 3, 4, false)), .. Packet(2, 4, 0, [1, 2, 3, 4])];
        Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte, Gen.Bool).Sample((at, value, isCut) =>
        {
            byte[] bytes = isCut ? original[..at] : [.. original];
            if (!isCut) bytes[at] = value;
            File.WriteAllBytes(_folder["a.aedat"], bytes);
            try { AedatFile.Load(_folder["a.aedat"]); }
            catch (InvalidDataException e) { Assert.That(e.Message, Does.StartWith(_folder["a.aedat"])); }
        }, iter: 500, threads: 1);
    }

    [Test]
    public void NumPyArraysAreReadAndWritten()
    {
        using var scope = NewDisposeScope();
        var stream = new EventStream([1, 1L << 40], [0, 127], [5, 6], [true, false], 128, 128);
        EventFile.Save(_folder["a.npz"], stream);
        NpyFile.SaveColumns(_folder["b.npy"], new Dictionary<string, Tensor>
        {
            ["x"] = tensor(new short[] { 0, 127 }, ScalarType.Int16),
            ["y"] = tensor(new short[] { 5, 6 }, ScalarType.Int16),
            ["t"] = tensor(new[] { 1, 1L << 40 }, ScalarType.Int64),
            ["p"] = tensor(new sbyte[] { 1, -1 }, ScalarType.Int8),
        });
        Assert.Multiple(() =>
        {
            Assert.That(Events(EventFile.Load(_folder["a.npz"])), Is.EqualTo(Events(stream)));
            Assert.That(Events(EventFile.Load(_folder["b.npy"])), Is.EqualTo(Events(stream)));
            Assert.That(() => EventFile.Load(_folder["a.npz"], 127),
                Throws.TypeOf<InvalidDataException>().With.Message.Contains("column 127"));
            Assert.That(() => EventFile.Load("a.txt"), Throws.ArgumentException);
        });
        NpzFile.Save(_folder["c.npz"], new Dictionary<string, Tensor>
        {
            ["t"] = zeros(2, ScalarType.Int64),
            ["x"] = zeros(2, ScalarType.Int64),
            ["y"] = zeros(2, ScalarType.Int64),
        });
        NpzFile.Save(_folder["d.npz"], new Dictionary<string, Tensor>
        {
            ["t"] = zeros(2, ScalarType.Int64),
            ["x"] = zeros(2, ScalarType.Int64),
            ["y"] = zeros(1, ScalarType.Int64),
            ["p"] = zeros(2, ScalarType.Bool),
        });
        NpzFile.Save(_folder["e.npz"], new Dictionary<string, Tensor>
        {
            ["t"] = zeros(2),
            ["x"] = zeros(2, ScalarType.Int64),
            ["y"] = zeros(2, ScalarType.Int64),
            ["p"] = zeros(2, ScalarType.Bool),
        });
        Assert.That(() => EventFile.Load(_folder["c.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no p"));
        Assert.That(() => EventFile.Load(_folder["d.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("2, 2, 1 and 2"));
        Assert.That(() => EventFile.Load(_folder["e.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("whole numbers"));
    }

    [Test]
    public void StreamsAreCheckedAndCut()
    {
        var stream = new EventStream([10, 20, 30], [0, 1, 2], [2, 1, 0], [true, false, true], 3, 3);
        Assert.Multiple(() =>
        {
            Assert.That(Events(stream.Between(10, 30)), Is.EqualTo(Events(stream)[..2]));
            Assert.That(stream.Between(31, 40).Count, Is.Zero);
            Assert.That(Events(stream.Reversed()), Is.EqualTo([(10L, 2, 0, false), (20L, 1, 1, true), (30L, 0, 2, false)]));
            Assert.That(() => new EventStream([1], [3], [0], [true], 3, 3), Throws.ArgumentException);
            Assert.That(() => new EventStream([1], [0, 1], [0], [true], 3, 3), Throws.ArgumentException);
            Assert.That(() => new EventStream([], [], [], [], 0, 3), Throws.InstanceOf<ArgumentException>());
        });
    }
}
