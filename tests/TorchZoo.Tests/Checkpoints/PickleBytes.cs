using System.Buffers.Binary;
using System.Text;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Assembles pickles by hand, well-formed or not.</summary>
internal sealed class PickleBytes
{
    private readonly MemoryStream _bytes = new();

    public PickleBytes(byte protocol = 2) => Raw(0x80, protocol);

    public static byte[] Of(Action<PickleBytes> write, byte protocol = 2)
    {
        var pickle = new PickleBytes(protocol);
        write(pickle);
        return pickle.Raw((byte)'.')._bytes.ToArray();
    }

    public byte[] ToArray() => _bytes.ToArray();

    public PickleBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public PickleBytes Ops(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public PickleBytes Repeat(int count, Action<PickleBytes> part)
    {
        for (var i = 0; i < count; i++) part(this);
        return this;
    }

    public PickleBytes Global(string module, string name) => Ops($"c{module}\n{name}\n");

    public PickleBytes Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return Ops("X").U32((uint)bytes.Length).Raw(bytes);
    }

    public PickleBytes Int(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Raw(0x8a, 8).Raw(bytes);
    }

    public PickleBytes U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public PickleBytes U64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public PickleBytes Integers(params long[] values)
    {
        Ops("(");
        foreach (var value in values) Int(value);
        return Ops("t");
    }

    /// <summary>A persistent id and the storage it stands for.</summary>
    public PickleBytes Storage(string key = "0", string type = "FloatStorage", long count = 4, string location = "cpu") =>
        Ops("(").Text("storage").Global("torch", type).Text(key).Text(location).Int(count).Ops("tQ");

    public PickleBytes Tensor(Action<PickleBytes> storage, long offset, long[] size, long[] stride, bool requiresGrad = false)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Ops("(");
        storage(this);
        return Int(offset).Integers(size).Integers(stride).Raw(requiresGrad ? (byte)0x88 : (byte)0x89).Global("collections", "OrderedDict")
            .Ops(")RtR");
    }
}
