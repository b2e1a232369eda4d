using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// A file mapped into memory, as tensors. libtorch maps it once for each dtype, which costs address space only; views of these tensors keep
/// the mapping alive. It is private: what is written to it does not get into the file.
/// </summary>
internal sealed class MappedFile(string path, long length)
{
    private readonly Dictionary<ScalarType, Tensor> _mappings = [];

    /// <summary>The whole file as elements of a dtype; null where the position is no multiple of their size.</summary>
    public Tensor? At(long position, ScalarType dtype)
    {
        var elementSize = TensorMemory.ElementSize(dtype);
        if (position % elementSize != 0) return null;
        if (!_mappings.TryGetValue(dtype, out var mapping))
            _mappings.Add(dtype, mapping = from_file(path, shared: false, size: length / elementSize, dtype: dtype));
        return mapping;
    }
}
