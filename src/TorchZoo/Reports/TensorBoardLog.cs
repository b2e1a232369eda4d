using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using SkiaSharp;
using Tensorboard;
using static TorchSharp.torch;

namespace TorchZoo.Reports;

/// <summary>
/// A run's numbers and pictures for TensorBoard. An event file is a sequence of records: length (8 bytes), its checksum (4), an
/// <c>Event</c> message, its checksum (4); checksums are CRC-32C, rotated and shifted. TorchSharp's own <c>SummaryWriter</c> opens the file
/// anew for every number and knows whole seconds only; this one keeps it open.
/// </summary>
/// <remarks>Events reach the file within two seconds or at <see cref="Flush"/>. Not thread-safe.</remarks>
public sealed class TensorBoardLog : IDisposable
{
    private const int BufferSize = 64 * 1024;
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(2);
    private static int count;
    private readonly FileStream _file;
    private long _flushed = Stopwatch.GetTimestamp();

    /// <summary>Starts an event file.</summary>
    /// <param name="directory">The run's folder; it is made if it isn't there.</param>
    /// <param name="resumeAt">The step after which a resumed run goes on: TensorBoard then hides what earlier files say of later
    /// steps.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public TensorBoardLog(string directory, long? resumeAt = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        Directory.CreateDirectory(directory);
        var name = string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref count)}");
        Path = System.IO.Path.Combine(directory, name);
        _file = new FileStream(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete, BufferSize);
        Write(new Event { FileVersion = "brain.Event:2" });
        if (resumeAt is { } step)
            Write(new Event { Step = step + 1, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
        Flush();
    }

    /// <summary>The event file.</summary>
    public string Path { get; }

    /// <summary>Writes numbers of one step.</summary>
    /// <param name="step">The training step.</param>
    /// <param name="values">Numbers by tag, e.g. <c>train/loss</c>; a slash makes a group.</param>
    public void Scalars(long step, params IEnumerable<KeyValuePair<string, double>> values)
    {
        var summary = new Summary();
        foreach (var (tag, value) in values) summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        if (summary.Value.Count > 0) Write(new Event { Step = step, Summary = summary });
    }

    /// <summary>Writes how a tensor's values are spread: 64 bins of equal width from the least to the greatest; values that aren't finite are
    /// left out.</summary>
    /// <param name="step">The training step.</param>
    /// <param name="tag">Its tag, e.g. <c>weights/first</c>.</param>
    /// <param name="values">Any shape, real.</param>
    /// <param name="bins">How many bins.</param>
    /// <exception cref="ArgumentException">The tensor is complex, or there are no bins.</exception>
    public void Histogram(long step, string tag, Tensor values, int bins = 64)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bins);
        if (values.is_complex()) throw new ArgumentException("a histogram is of real numbers", nameof(values));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var all = values.detach().to(ScalarType.Float64).cpu().flatten();
        all = all.masked_select(all.isfinite());
        var proto = new HistogramProto { Num = all.numel() };
        if (all.numel() > 0)
        {
            (proto.Min, proto.Max) = (all.min().item<double>(), all.max().item<double>());
            (proto.Sum, proto.SumSquares) = (all.sum().item<double>(), all.square().sum().item<double>());
            var width = (proto.Max - proto.Min) / bins;
            var counts = width > 0
                ? Array.ConvertAll(((all - proto.Min) / width).to(ScalarType.Int64).clamp(max: bins - 1).bincount(null, bins).data<long>().ToArray(),
                    n => (double)n)
                : [proto.Num];
            proto.Bucket.AddRange(counts);
            proto.BucketLimit.AddRange(Enumerable.Range(1, counts.Length).Select(i => i == counts.Length ? proto.Max : proto.Min + i * width));
        }
        Write(new Event { Step = step, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Histo = proto } } } });
    }

    /// <summary>Writes a picture.</summary>
    /// <param name="step">The training step.</param>
    /// <param name="tag">Its tag, e.g. <c>fields</c>.</param>
    /// <param name="path">A PNG file.</param>
    /// <exception cref="InvalidDataException">The file is no picture.</exception>
    public void Image(long step, string tag, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        var bytes = File.ReadAllBytes(path);
        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data) ?? throw new InvalidDataException($"{path}: not a picture");
        var image = new Summary.Types.Image
        {
            Width = codec.Info.Width,
            Height = codec.Info.Height,
            Colorspace = 4,
            EncodedImageString = ByteString.CopyFrom(bytes)
        };
        Write(new Event { Step = step, Summary = new Summary { Value = { new Summary.Types.Value { Tag = tag, Image = image } } } });
    }

    /// <summary>Hands all events to the operating system.</summary>
    public void Flush()
    {
        _file.Flush();
        _flushed = Stopwatch.GetTimestamp();
    }

    /// <summary>Writes what is left and closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C (Castagnoli).</summary>
    internal static uint Crc32C(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (var b in data) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    /// <summary>The checksum of TFRecord files: a CRC of data that hold CRCs themselves would be weak, so it is disguised.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> data) => BitOperations.RotateRight(Crc32C(data), 15) + 0xA282EAD8;

    private void Write(Event message)
    {
        message.WallTime = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
        var body = message.ToByteArray();
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], MaskedCrc(head[..8]));
        Span<byte> foot = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(foot, MaskedCrc(body));
        _file.Write(head);
        _file.Write(body);
        _file.Write(foot);
        if (Stopwatch.GetElapsedTime(_flushed) >= FlushInterval) Flush();
    }
}
