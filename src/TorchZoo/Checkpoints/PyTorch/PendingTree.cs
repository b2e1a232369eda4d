using System.Buffers.Binary;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>A checkpoint that was read and verified but for its tensors' data.</summary>
/// <param name="Tree">The tree; the memory of its tensors is not filled.</param>
/// <param name="Tensors">The tensors of the tree, each once.</param>
/// <param name="Factory">Made them.</param>
/// <param name="Storages">All storages that the pickle names.</param>
/// <param name="Source">Where their data are.</param>
internal sealed record PendingTree(
    object? Tree, IReadOnlyList<Tensor> Tensors, TensorFactory Factory, IReadOnlyCollection<StorageRef> Storages, StorageSource Source)
{
    /// <summary>Fills the memory of all tensors and verifies the rest of the file.</summary>
    /// <exception cref="InvalidDataException">Data are damaged.</exception>
    public void Fill()
    {
        // From front to back, as disks like it.
        foreach (var storage in Storages.Where(s => s.Memory is not null && !s.IsMapped).OrderBy(Source.PositionOf)) Fill(storage);
        Source.VerifyRest(Storages.Where(s => s.Memory is not null));
    }

    /// <summary>Fills the memory of one storage.</summary>
    /// <exception cref="InvalidDataException">Its data are damaged.</exception>
    public unsafe void Fill(StorageRef storage)
    {
        var memory = storage.Memory!;
        using var staging = memory.device.type == DeviceType.CPU ? null : empty(memory.shape, memory.dtype, CPU);
        var pointer = TensorMemory.Pointer(staging ?? memory);
        Source.Read(storage, pointer);
        if (Source.IsBigEndian) ReverseBytes(pointer, storage.Bytes, storage.Dtype!.Value);
        if (staging is not null)
        {
            using var off = no_grad();
            memory.copy_(staging);
        }
    }

    private static unsafe void ReverseBytes(byte* pointer, long bytes, ScalarType dtype)
    {
        // Complex numbers are two floats.
        var size = TensorMemory.ElementSize(dtype) / (dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64 ? 2 : 1);
        while (bytes > 0)
        {
            var count = (int)Math.Min(bytes, 1 << 24);
            if (size == 2) BinaryPrimitives.ReverseEndianness(new ReadOnlySpan<ushort>(pointer, count / 2), new Span<ushort>(pointer, count / 2));
            if (size == 4) BinaryPrimitives.ReverseEndianness(new ReadOnlySpan<uint>(pointer, count / 4), new Span<uint>(pointer, count / 4));
            if (size == 8) BinaryPrimitives.ReverseEndianness(new ReadOnlySpan<ulong>(pointer, count / 8), new Span<ulong>(pointer, count / 8));
            pointer += count;
            bytes -= count;
        }
    }
}
