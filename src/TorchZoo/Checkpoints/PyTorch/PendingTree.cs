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
    private const long PieceSize = 16L << 20;

    /// <summary>Fills the memory of all tensors and verifies the rest of the file.</summary>
    /// <exception cref="InvalidDataException">Data are damaged.</exception>
    public void Fill()
    {
        // From front to back, as disks like it.
        var unfilled = Storages.Where(s => s.Memory is not null && !s.IsMapped).OrderBy(Source.PositionOf).ToList();
        ParallelWork.ForEach(unfilled, unfilled.Sum(s => s.Bytes), Fill);
        Source.VerifyRest(Storages.Where(s => s.Memory is not null));
    }

    /// <summary>
    /// Verifies all data and then brings those of some tensors to their targets: where nothing has to be converted, from the file straight
    /// into the target's memory, so that no second copy of the weights comes to be. The file must not be mapped.
    /// </summary>
    /// <exception cref="InvalidDataException">Data are damaged; no target was touched.</exception>
    public void CopyTo(IEnumerable<(Tensor Target, Tensor Source)> pairs)
    {
        using var off = no_grad();
        var plan = pairs.Select(p => (p.Target, p.Source, Place: Factory.Places[p.Source]))
            .OrderBy(p => Source.PositionOf(p.Place.Storage)).ToLookup(p => IsDirect(p.Target, p.Source, p.Place));
        var storages = plan.SelectMany(g => g).Select(p => p.Place.Storage).Distinct().ToList();
        ParallelWork.ForEach(storages, storages.Sum(s => s.Bytes), Verify);
        Source.VerifyRest(storages);

        var pieces = plan[true].SelectMany(p => PiecesOf(p.Target, p.Place)).ToList();
        ParallelWork.ForEach(pieces, pieces.Sum(p => p.Length), Read);
        GC.KeepAlive(plan);

        var tensors = Factory.Places.ToLookup(p => p.Value.Storage, p => p.Key);
        foreach (var group in plan[false].GroupBy(p => p.Place.Storage))
        {
            Fill(group.Key);
            foreach (var (target, source, _) in group) target.copy_(source);
            // What was filled for a conversion goes before the next storage comes.
            foreach (var tensor in tensors[group.Key]) tensor.Dispose();
            group.Key.Memory!.Dispose();
        }
    }

    private unsafe void Fill(StorageRef storage)
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

    private unsafe void Verify(StorageRef storage) => Source.Read(storage, null);

    private unsafe void Read(Piece piece) => Source.ReadPart(piece.Storage, piece.Offset, (byte*)piece.Target, piece.Length);

    private static IEnumerable<Piece> PiecesOf(Tensor target, TensorPlace place)
    {
        var size = TensorMemory.ElementSize(target.dtype);
        long length = target.numel() * size, start = place.Offset * size;
        var address = TensorMemory.Address(target);
        for (var at = 0L; at < length; at += PieceSize)
            yield return new Piece(place.Storage, start + at, address + (nint)at, Math.Min(PieceSize, length - at));
    }

    private bool IsDirect(Tensor target, Tensor source, TensorPlace place) =>
        place.IsContiguous && Source.IsRaw(place.Storage) && !Source.IsBigEndian && target.device_type == DeviceType.CPU
        && target.dtype == source.dtype && target.is_contiguous() && !target.is_conj() && !target.is_neg();

    private static unsafe void ReverseBytes(byte* pointer, long bytes, ScalarType dtype)
    {
        // Complex numbers are two floats.
        var size = TensorMemory.ElementSize(dtype) / (dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64 ? 2 : 1);
        while (bytes > 0)
        {
            var count = (int)Math.Min(bytes, 1 << 24);
            ByteOrder.Reverse(new Span<byte>(pointer, count), size);
            pointer += count;
            bytes -= count;
        }
    }

    private readonly record struct Piece(StorageRef Storage, long Offset, nint Target, long Length);
}
