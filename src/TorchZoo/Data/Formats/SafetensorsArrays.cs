using Microsoft.Win32.SafeHandles;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>A safetensors file, or several with an index, as an <see cref="ArrayFile"/>.</summary>
internal sealed unsafe class SafetensorsArrays : ArrayFile
{
    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, SafetensorsEntry> _entries = [];

    public SafetensorsArrays(string path) : base(path)
    {
        foreach (var entry in SafetensorsFile.ReadHeader(path).Tensors)
        {
            Add(new ArrayInfo(entry.Name, entry.Dtype, entry.Shape));
            _entries.Add(entry.Name, entry);
        }
        _file = File.OpenHandle(path);
    }

    private protected override void Dispose(bool disposing) => _file.Dispose();

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var entry = _entries[array.Name];
        var (first, count) = rows ?? (0, array.Rows);
        var result = empty(array.Shape.Count == 0 ? [] : [count, .. array.Shape.Skip(1)], array.Dtype);
        var length = result.numel() * TensorMemory.ElementSize(array.Dtype);
        if (length > 0) TensorMemory.Read(_file, entry.Position + length / count * first, TensorMemory.Pointer(result), length);
        GC.KeepAlive(result);
        return result;
    }
}
