using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>Writes tensors in NumPy's format.</summary>
internal static unsafe class NpyWriter
{
    private const int PieceSize = 1 << 18;

    /// <summary>An array, in Fortran's order where the tensor lies so in memory.</summary>
    /// <exception cref="ArgumentException">NumPy has no such type.</exception>
    public static void Write(Stream stream, Tensor tensor, string parameter)
    {
        Refuse(tensor, parameter);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var descriptor = $"'{NpyElement.Describe(tensor.dtype, parameter)}'";
        long[] reversed = [.. Enumerable.Range(0, (int)tensor.dim()).Reverse().Select(a => (long)a)];
        var turned = tensor.detach().permute(reversed);
        var isFortran = tensor.dim() > 1 && !tensor.is_contiguous() && turned.is_contiguous();
        stream.Write(NpyHeader.Write(descriptor, isFortran, tensor.shape));
        var plain = TensorMemory.Plain(isFortran ? turned : tensor);
        TensorMemory.Write(stream, TensorMemory.Pointer(plain), plain.numel() * TensorMemory.ElementSize(plain.dtype));
        GC.KeepAlive(plain);
    }

    /// <summary>Columns of the same length as an array of records.</summary>
    /// <exception cref="ArgumentException">There are none, their lengths differ, they have further axes, or NumPy has no such type.</exception>
    public static void WriteColumns(Stream stream, IReadOnlyDictionary<string, Tensor> columns, string parameter)
    {
        if (columns.Count == 0) throw new ArgumentException("Expected at least one column", parameter);
        var count = columns.Values.First().numel();
        foreach (var (name, column) in columns)
        {
            if (name.Length == 0 || name.Any(char.IsControl)) throw new ArgumentException($"Expected names of columns, got '{name}'", parameter);
            Refuse(column, parameter);
            if (column.dim() != 1 || column.shape[0] != count)
                throw new ArgumentException($"Expected columns of the same length {count}, '{name}' is ({string.Join(", ", column.shape)})", parameter);
        }
        using var scope = NewDisposeScope();
        var tensors = columns.Values.Select(TensorMemory.Plain).ToArray();
        int[] sizes = [.. tensors.Select(t => TensorMemory.ElementSize(t.dtype))];
        var record = sizes.Sum();
        var descriptors = columns.Select(c =>
            $"('{c.Key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}', "
            + $"'{NpyElement.Describe(c.Value.dtype, parameter)}')");
        stream.Write(NpyHeader.Write($"[{string.Join(", ", descriptors)}]", false, [count]));
        var atOnce = Math.Max(1, PieceSize / record);
        var buffer = new byte[Math.Min(atOnce, count) * record];
        for (long done = 0; done < count; done += atOnce)
        {
            var records = (int)Math.Min(atOnce, count - done);
            var offset = 0;
            foreach (var (tensor, size) in tensors.Zip(sizes))
            {
                var source = new ReadOnlySpan<byte>(TensorMemory.Pointer(tensor) + done * size, records * size);
                for (var i = 0; i < records; i++) source.Slice(i * size, size).CopyTo(buffer.AsSpan(i * record + offset));
                offset += size;
            }
            stream.Write(buffer, 0, records * record);
        }
        GC.KeepAlive(tensors);
    }

    // Before a file is begun.
    private static void Refuse(Tensor tensor, string parameter)
    {
        ArgumentNullException.ThrowIfNull(tensor, parameter);
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("NumPy files are written on little-endian machines");
        _ = NpyElement.Describe(tensor.dtype, parameter);
        if (tensor.is_sparse) throw new ArgumentException("Expected a dense tensor", parameter);
    }
}
