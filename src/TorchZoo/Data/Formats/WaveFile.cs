using System.Buffers.Binary;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// RIFF/WAVE files (<c>.wav</c>), uncompressed: integers of 8, 16, 24 or 32 bits, floating point of 32 or 64, any number of channels. An
/// integer v of b bits is the sample v/2^(b−1); what is written is rounded to the nearest integer, and clipped to those there are, so that
/// 1 becomes 1 − 2^(1−b).
/// </summary>
public static class WaveFile
{
    private const ushort PcmTag = 1, FloatTag = 3, ExtensibleTag = 0xFFFE;

    // Bytes of samples that are converted at a time.
    private const int BlockSize = 1 << 20;

    // What follows the two bytes of the format's tag in the GUID of an extensible format.
    private static ReadOnlySpan<byte> GuidTail => [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

    /// <summary>Reads a sound.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The samples. Integers lie in [−1, 1); floating-point samples are what the file says, be they beyond.</returns>
    /// <remarks>Chunks other than the format and the data are skipped. The data of a file that was written as a stream, whose header does
    /// not say how many there are, end with the file.</remarks>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, is compressed, ends early or is damaged.</exception>
    public static Sound Load(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 4096, FileOptions.SequentialScan);
        return new Reader(stream, path).Read();
    }

    /// <summary>Writes a sound, whole or not at all.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="samples">(channels, length) or (length), real. Values outside [−1, 1] are clipped to it, floating-point encodings
    /// included.</param>
    /// <param name="sampleRate">Samples a second in each channel.</param>
    /// <param name="encoding">How the file keeps a sample.</param>
    /// <exception cref="ArgumentException">Another shape or type, values that aren't finite, no channel or more than 65535 or no rate, no
    /// such encoding, or more than the 4 GiB that such a file can hold.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, Tensor samples, int sampleRate, WaveEncoding encoding = WaveEncoding.Pcm16)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(samples);
        if (sampleRate < 1)
            throw new ArgumentException($"Expected a positive number of samples a second, got {sampleRate}", nameof(sampleRate));
        if (!Enum.IsDefined(encoding)) throw new ArgumentException($"Expected a named encoding, got {encoding}", nameof(encoding));
        if (!samples.is_floating_point() || samples.dim() is not (1 or 2)
            || (samples.dim() == 2 && samples.shape[0] is < 1 or > ushort.MaxValue))
            throw new ArgumentException(
                $"Expected real (channels, length) or (length), got {samples.dtype} ({string.Join(", ", samples.shape)})", nameof(samples));
        var (size, length) = (SizeOf(encoding), samples.shape[^1]);
        var channels = (int)(samples.dim() == 1 ? 1 : samples.shape[0]);
        var header = Header(channels, length, sampleRate, encoding);
        if (channels * size > ushort.MaxValue)
            throw new ArgumentException($"Expected at most {ushort.MaxValue / size} channels, got {channels}", nameof(samples));
        if (length * channels * size + header.Length > uint.MaxValue)
            throw new ArgumentException($"Expected at most 4 GiB, got {channels} × {length} samples of {size} bytes", nameof(samples));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (!samples.isfinite().all().item<bool>())
            throw new ArgumentException("Expected finite values, got some that aren't", nameof(samples));
        var planes = samples.detach().reshape(channels, length);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            var frames = Math.Max(1, BlockSize / (channels * size));
            for (var at = 0L; at < length; at += frames)
                stream.Write(Encode(planes.narrow(1, at, Math.Min(frames, length - at)), encoding));
            if (length * channels * size % 2 == 1) stream.WriteByte(0);
        });
    }

    private static int SizeOf(WaveEncoding encoding) => encoding switch
    {
        WaveEncoding.Pcm8 => 1,
        WaveEncoding.Pcm16 => 2,
        WaveEncoding.Pcm24 => 3,
        WaveEncoding.Float64 => 8,
        _ => 4,
    };

    // All up to the samples themselves. Formats that the first version of the standard didn't have are written as extensible ones.
    private static byte[] Header(int channels, long length, int sampleRate, WaveEncoding encoding)
    {
        var size = SizeOf(encoding);
        var bytes = (uint)(length * channels * size);
        var isFloat = encoding is WaveEncoding.Float32 or WaveEncoding.Float64;
        var isExtensible = channels > 2 || (size > 2 && !isFloat);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("RIFF"u8);
        writer.Write(0u);
        writer.Write("WAVEfmt "u8);
        writer.Write(isExtensible ? 40 : isFloat ? 18 : 16);
        var tag = isFloat ? FloatTag : PcmTag;
        writer.Write(isExtensible ? ExtensibleTag : tag);
        writer.Write((ushort)channels);
        writer.Write(sampleRate);
        writer.Write((uint)((long)sampleRate * channels * size));
        writer.Write((ushort)(channels * size));
        writer.Write((ushort)(8 * size));
        if (isExtensible)
        {
            writer.Write((ushort)22);
            writer.Write((ushort)(8 * size));
            // Which speaker each channel is for: not said.
            writer.Write(0u);
            writer.Write(tag);
            writer.Write(GuidTail);
        }
        else if (isFloat) writer.Write((ushort)0);
        if (isFloat)
        {
            writer.Write("fact"u8);
            writer.Write(4u);
            writer.Write((uint)length);
        }
        writer.Write("data"u8);
        writer.Write(bytes);
        stream.Position = 4;
        writer.Write((uint)(stream.Length - 8 + bytes + bytes % 2));
        return stream.ToArray();
    }

    // (channels, frames) → the file's bytes, frame by frame.
    private static byte[] Encode(Tensor planes, WaveEncoding encoding)
    {
        using var scope = NewDisposeScope();
        var samples = planes.cpu().to(ScalarType.Float64).clamp(-1, 1).t().contiguous().data<double>();
        var size = SizeOf(encoding);
        var bytes = new byte[samples.Count * size];
        var at = bytes.AsSpan();
        foreach (var x in samples)
        {
            switch (encoding)
            {
                case WaveEncoding.Pcm8: at[0] = (byte)(128 + Step(x, 8)); break;
                case WaveEncoding.Pcm16: BinaryPrimitives.WriteInt16LittleEndian(at, (short)Step(x, 16)); break;
                case WaveEncoding.Pcm24:
                    var v = (int)Step(x, 24);
                    BinaryPrimitives.WriteInt16LittleEndian(at, unchecked((short)v));
                    at[2] = unchecked((byte)(v >> 16));
                    break;
                case WaveEncoding.Pcm32: BinaryPrimitives.WriteInt32LittleEndian(at, (int)Step(x, 32)); break;
                case WaveEncoding.Float32: BinaryPrimitives.WriteSingleLittleEndian(at, (float)x); break;
                default: BinaryPrimitives.WriteDoubleLittleEndian(at, x); break;
            }
            at = at[size..];
        }
        return bytes;

        static long Step(double x, int bits)
        {
            var scale = 1L << (bits - 1);
            return Math.Min((long)Math.Round(x * scale), scale - 1);
        }
    }

    private sealed class Reader(FileStream stream, string path)
    {
        private WaveEncoding _encoding;
        private int _channels;
        private int _sampleRate;

        public Sound Read()
        {
            Span<byte> head = stackalloc byte[12];
            if (!TryFill(head) || !head[..4].SequenceEqual("RIFF"u8) || !head[8..].SequenceEqual("WAVE"u8))
                throw Damaged("it does not begin as a RIFF/WAVE file does");
            var declaredEnd = 8L + BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
            Span<byte> chunk = stackalloc byte[8];
            while (TryFill(chunk))
            {
                long size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
                if (chunk[..4].SequenceEqual("data"u8)) return ReadSamples(SizeOfData(size, declaredEnd));
                if (size > Rest) throw Damaged($"a chunk of {size} bytes at byte {stream.Position} ends after the file");
                var next = stream.Position + size + size % 2;
                if (chunk[..4].SequenceEqual("fmt "u8)) ReadFormat(size);
                stream.Position = next;
            }
            throw Damaged("it has no samples");
        }

        private long Rest => stream.Length - stream.Position;

        // A program that writes to a pipe can't come back to its header and leaves one of these there: SoX the last of them.
        private long SizeOfData(long declared, long declaredEnd) => declared switch
        {
            uint.MaxValue or 0x7FFFF000 when declared > Rest => Rest,
            // Chunks may follow no samples: then the header says that the file doesn't end here.
            0 when declaredEnd <= stream.Position || declaredEnd == 8L + uint.MaxValue => Rest,
            _ when declared > Rest => throw Damaged($"{declared} bytes of samples are declared, {Rest} are there"),
            _ when _channels > 0 && declared % FrameSize != 0 =>
                throw Damaged($"{declared} bytes of samples are no whole number of frames of {FrameSize} bytes"),
            _ => declared,
        };

        private int FrameSize => _channels * SizeOf(_encoding);

        private void ReadFormat(long size)
        {
            Span<byte> format = stackalloc byte[(int)Math.Min(size, 40)];
            if (size < 16 || !TryFill(format)) throw Damaged($"its format has {size} bytes; expected at least 16");
            var tag = Short(format, 0);
            if (tag == ExtensibleTag)
            {
                if (format.Length < 40) throw Damaged($"its extensible format has {size} bytes; expected at least 40");
                if (!format[26..].SequenceEqual(GuidTail)) throw Damaged("its format has a GUID that isn't known");
                tag = Short(format, 24);
            }
            var (channels, rate, frame, bits) =
                (Short(format, 2), BinaryPrimitives.ReadUInt32LittleEndian(format[4..]), Short(format, 12), Short(format, 14));
            // Numbers of other bits than a whole number of bytes lie at the upper end of their bytes.
            _encoding = (tag, (bits + 7) / 8) switch
            {
                (PcmTag, 1) => WaveEncoding.Pcm8,
                (PcmTag, 2) => WaveEncoding.Pcm16,
                (PcmTag, 3) => WaveEncoding.Pcm24,
                (PcmTag, 4) => WaveEncoding.Pcm32,
                (FloatTag, _) when bits == 32 => WaveEncoding.Float32,
                (FloatTag, _) when bits == 64 => WaveEncoding.Float64,
                (PcmTag or FloatTag, _) => throw Damaged($"it has samples of {bits} bits; expected integers to 32 or floats of 32 or 64"),
                _ => throw Damaged($"its samples are encoded by format {tag}; expected 1 (integers) or 3 (floating point)"),
            };
            if (channels == 0) throw Damaged("it has no channels");
            if (rate is 0 or > int.MaxValue) throw Damaged($"it has {rate} samples a second");
            if (frame != channels * SizeOf(_encoding))
                throw Damaged($"it has frames of {frame} bytes for {channels} samples of {bits} bits");
            (_channels, _sampleRate) = (channels, (int)rate);
        }

        private Sound ReadSamples(long size)
        {
            if (_channels == 0) throw Damaged("its samples come before their format");
            using var off = no_grad();
            using var scope = NewDisposeScope();
            var length = size / FrameSize;
            var samples = empty([_channels, length]);
            var frames = Math.Max(1, BlockSize / FrameSize);
            var bytes = new byte[Math.Min(frames, length) * FrameSize];
            for (var at = 0L; at < length; at += frames)
            {
                var count = (int)Math.Min(frames, length - at);
                var block = bytes.AsSpan(0, count * FrameSize);
                if (!TryFill(block)) throw Damaged("it ends early");
                var values = tensor(Decode(block), [count, _channels]);
                if (!values.isfinite().all().item<bool>()) throw Damaged("it has samples that are no finite numbers");
                samples.narrow(1, at, count).copy_(values.t());
            }
            return new Sound(samples.MoveToOuterDisposeScope(), _sampleRate);
        }

        private float[] Decode(ReadOnlySpan<byte> bytes)
        {
            var size = SizeOf(_encoding);
            var samples = new float[bytes.Length / size];
            for (var i = 0; i < samples.Length; i++, bytes = bytes[size..])
                samples[i] = _encoding switch
                {
                    WaveEncoding.Pcm8 => (bytes[0] - 128) / 128f,
                    WaveEncoding.Pcm16 => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768f,
                    WaveEncoding.Pcm24 => (BinaryPrimitives.ReadUInt16LittleEndian(bytes) + ((sbyte)bytes[2] << 16)) / 8388608f,
                    WaveEncoding.Pcm32 => BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648f,
                    WaveEncoding.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
                    _ => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes),
                };
            return samples;
        }

        private static ushort Short(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

        private bool TryFill(Span<byte> destination) => stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false)
            == destination.Length;

        private InvalidDataException Damaged(string reason) => new($"{path}: {reason}");
    }
}
