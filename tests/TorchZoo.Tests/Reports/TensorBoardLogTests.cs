using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using NUnit.Framework;
using Tensorboard;
using TorchZoo.Reports;

namespace TorchZoo.Tests.Reports;

public class TensorBoardLogTests
{
    private string _folder = null!;

    [SetUp]
    public void Open() => _folder = Directory.CreateTempSubdirectory("torchzoo").FullName;

    [TearDown]
    public void Close() => Directory.Delete(_folder, recursive: true);

    // The check value of the CRC catalogue, and RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and counting up.
    [Test]
    public void TheChecksumIsCrc32C()
    {
        Assert.Multiple(() =>
        {
            Assert.That(TensorBoardLog.Crc32C(Encoding.ASCII.GetBytes("123456789")), Is.EqualTo(0xE3069283));
            Assert.That(TensorBoardLog.Crc32C(new byte[32]), Is.EqualTo(0x8A9136AA));
            Assert.That(TensorBoardLog.Crc32C([.. Enumerable.Repeat((byte)0xFF, 32)]), Is.EqualTo(0x62A8AB43));
            Assert.That(TensorBoardLog.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)i)]), Is.EqualTo(0x46DD794E));
        });
    }

    [Test]
    public void EventsAreReadBack()
    {
        var before = DateTime.UtcNow;
        string path;
        using (var log = new TensorBoardLog(_folder))
        {
            path = log.Path;
            log.Scalars(3, KeyValuePair.Create("train/loss", 0.25), KeyValuePair.Create("lr", double.NaN));
            log.Scalars(4);
            log.Scalars(1L << 40, KeyValuePair.Create("train/loss", -1.5));
        }
        var events = Read(path);
        Assert.Multiple(() =>
        {
            Assert.That(Path.GetFileName(path), Does.StartWith("events.out.tfevents."));
            Assert.That(events, Has.Count.EqualTo(3));
            Assert.That(events[0].FileVersion, Is.EqualTo("brain.Event:2"));
            Assert.That(events[1].Step, Is.EqualTo(3));
            Assert.That(events[1].Summary.Value.Select(v => (v.Tag, v.SimpleValue)),
                Is.EqualTo(new[] { ("train/loss", 0.25f), ("lr", float.NaN) }));
            Assert.That(events[2].Step, Is.EqualTo(1L << 40));
            Assert.That(DateTime.UnixEpoch.AddSeconds(events[1].WallTime), Is.EqualTo(before).Within(TimeSpan.FromMinutes(5)));
        });
    }

    [Test]
    public void AResumedRunHidesWhatIsWrittenAgain()
    {
        using var log = new TensorBoardLog(_folder, resumeAt: 100);
        var start = Read(log.Path)[1];
        Assert.That((start.SessionLog.Status, start.Step), Is.EqualTo((SessionLog.Types.SessionStatus.Start, 101)));
    }

    [Test]
    public void TwoLogsOfOneFolderAreTwoFiles()
    {
        using var first = new TensorBoardLog(_folder);
        using var second = new TensorBoardLog(_folder);
        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(2));
    }

    [Test]
    public void PicturesKeepTheirSize()
    {
        var picture = Path.Combine(_folder, "plot.png");
        new LinePlot { Series = [new("a", [1, 2, 3])] }.Save(picture, 100, 80);
        string path;
        using (var log = new TensorBoardLog(_folder))
        {
            path = log.Path;
            log.Image(5, "plot", picture);
            File.WriteAllText(picture, "no picture");
            Assert.That(() => log.Image(6, "plot", picture), Throws.TypeOf<InvalidDataException>());
        }
        var image = Read(path)[1].Summary.Value[0].Image;
        Assert.That((image.Width, image.Height), Is.EqualTo((200, 160)));
    }

    [Test]
    public void HistogramsCountEveryFiniteValue()
    {
        string path;
        using (TorchSharp.torch.NewDisposeScope())
        using (var log = new TensorBoardLog(_folder))
        {
            path = log.Path;
            log.Histogram(1, "h", TorchSharp.torch.tensor([-1.0, 0, 0.1, 1, double.NaN, double.PositiveInfinity]), bins: 4);
            log.Histogram(2, "one", TorchSharp.torch.ones(3, 2));
            log.Histogram(3, "none", TorchSharp.torch.zeros(0));
            Assert.That(() => log.Histogram(4, "c", TorchSharp.torch.zeros(1, dtype: TorchSharp.torch.ScalarType.ComplexFloat32)), Throws.ArgumentException);
        }
        HistogramProto[] read = [.. Read(path).Skip(1).Select(e => e.Summary.Value[0].Histo)];
        Assert.Multiple(() =>
        {
            Assert.That(read[0].Bucket, Is.EqualTo(new double[] { 1, 0, 2, 1 }));
            Assert.That(read[0].BucketLimit, Is.EqualTo(new double[] { -0.5, 0, 0.5, 1 }));
            Assert.That((read[0].Min, read[0].Max, read[0].Num, read[0].SumSquares), Is.EqualTo((-1.0, 1.0, 4.0, 2.01)));
            Assert.That((read[1].Bucket.Single(), read[1].BucketLimit.Single()), Is.EqualTo((6.0, 1.0)));
            Assert.That((read[2].Num, read[2].Bucket.Count), Is.EqualTo((0.0, 0)));
        });
    }

    private static List<Event> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var events = new List<Event>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)), Is.EqualTo(Masked(bytes.AsSpan(at, 8))));
            var body = bytes.AsSpan(at + 12, length);
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)), Is.EqualTo(Masked(body)));
            events.Add(Event.Parser.ParseFrom(new CodedInputStream(body.ToArray())));
            at += length + 16;
        }
        return events;
    }

    // TFRecord's mask written out, on a CRC by long division.
    private static uint Masked(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
        }
        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }
}
