using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// The bytes of a pickle, from memory or from a part of a file. Lengths are checked against what is left before anything is allocated.
/// </summary>
internal sealed class PickleSource
{
    private const int BufferSize = 64 << 10;
    private const int MaxLine = 512;

    private readonly SafeFileHandle? _file;
    private readonly byte[] _buffer;
    private readonly long _end;
    private long _bufferStart;
    private int _next;
    private int _filled;

    /// <summary>A pickle in memory.</summary>
    public PickleSource(byte[] bytes)
    {
        _buffer = bytes;
        _filled = bytes.Length;
        _end = bytes.Length;
    }

    /// <summary>A pickle in a file, from a position to at most the file's end.</summary>
    public PickleSource(SafeFileHandle file, long position)
    {
        _file = file;
        _buffer = new byte[BufferSize];
        _bufferStart = position;
        _end = RandomAccess.GetLength(file);
    }

    /// <summary>Position of the next byte.</summary>
    public long Position => _bufferStart + _next;

    /// <summary>Bytes that are left.</summary>
    public long Remaining => _end - Position;

    /// <summary>The next byte.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public byte ReadByte()
    {
        if (_next == _filled) Refill(1);
        return _buffer[_next++];
    }

    /// <summary>The next bytes, valid until the next call.</summary>
    /// <exception cref="InvalidDataException">There are fewer.</exception>
    public ReadOnlySpan<byte> Read(long count)
    {
        if (count < 0 || count > Remaining) throw new InvalidDataException($"{count} bytes are claimed where {Remaining} are left");
        if (count <= _filled - _next)
        {
            _next += (int)count;
            return _buffer.AsSpan(_next - (int)count, (int)count);
        }
        if (count <= _buffer.Length)
        {
            Refill((int)count);
            _next = (int)count;
            return _buffer.AsSpan(0, (int)count);
        }
        if (count > Array.MaxLength) throw new InvalidDataException($"a value of {count} bytes is too long");
        var bytes = new byte[count];
        TensorMemory.ReadExactly(_file!, bytes, Position);
        _bufferStart = Position + count;
        _next = _filled = 0;
        return bytes;
    }

    /// <summary>The next bytes as text.</summary>
    /// <exception cref="InvalidDataException">There are fewer, or they are no UTF-8.</exception>
    public string ReadText(long count)
    {
        var bytes = Read(count);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new InvalidDataException("a string is no valid UTF-8");
    }

    /// <summary>Text up to the end of the line.</summary>
    /// <exception cref="InvalidDataException">The line has no end, is very long, or no UTF-8.</exception>
    public string ReadLine()
    {
        Span<byte> line = stackalloc byte[MaxLine];
        var length = 0;
        for (byte next; (next = ReadByte()) != '\n'; line[length++] = next)
            if (length == line.Length) throw new InvalidDataException($"a name is longer than {MaxLine} bytes");
        return Utf8.IsValid(line[..length]) ? Encoding.UTF8.GetString(line[..length])
            : throw new InvalidDataException("a name is no valid UTF-8");
    }

    // Brings at least this many bytes from the position on to the front of the buffer.
    private void Refill(int count)
    {
        if (count > Remaining) throw new InvalidDataException("the pickle is cut off");
        var kept = _filled - _next;
        _buffer.AsSpan(_next, kept).CopyTo(_buffer);
        _bufferStart += _next;
        _next = 0;
        _filled = kept + (int)Math.Min(_buffer.Length - kept, _end - _bufferStart - kept);
        TensorMemory.ReadExactly(_file!, _buffer.AsSpan(kept, _filled - kept), _bufferStart + kept);
    }
}
