using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>Tensors of one type and device side by side in one piece of memory, so that one message carries them all.</summary>
internal sealed class TensorPack : IDisposable
{
    private readonly Tensor[] _views;

    /// <summary>Makes memory for tensors like these.</summary>
    /// <param name="like">At least one; all of one type and on one device.</param>
    public TensorPack(IReadOnlyList<Tensor> like)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var first = like[0];
        Flat = empty([like.Sum(t => t.numel())], first.dtype, first.device).DetachFromDisposeScope();
        _views = new Tensor[like.Count];
        for (var (i, start) = (0, 0L); i < _views.Length; start += like[i++].numel())
            _views[i] = Flat.narrow(0, start, like[i].numel()).view(like[i].shape).DetachFromDisposeScope();
    }

    /// <summary>All elements.</summary>
    public Tensor Flat { get; }

    /// <summary>The part that belongs to a tensor, of its shape.</summary>
    public Tensor this[int index] => _views[index];

    /// <summary>Tensors in groups of one type and device and of at most so many bytes, in order.</summary>
    public static IEnumerable<List<Tensor>> Groups(IEnumerable<Tensor> tensors, long bytes) =>
        tensors.GroupBy(t => (t.dtype, t.device_type, t.device_index)).SelectMany(alike => Cut(alike, bytes));

    /// <summary>Gives all ranks the tensors of one, in place and few messages.</summary>
    public static void Broadcast(ProcessGroup group, IEnumerable<Tensor> tensors, int root = 0)
    {
        if (group.Size == 1) return;
        using var off = no_grad();
        foreach (var part in Groups(tensors.Where(t => t.numel() > 0), 32 << 20))
        {
            using var pack = new TensorPack(part);
            if (group.Rank == root)
                for (var i = 0; i < part.Count; i++) pack[i].copy_(part[i]);
            group.Broadcast(pack.Flat, root);
            if (group.Rank == root) continue;
            for (var i = 0; i < part.Count; i++) part[i].detach().copy_(pack[i]);
        }
    }

    private static IEnumerable<List<Tensor>> Cut(IEnumerable<Tensor> tensors, long bytes)
    {
        var (part, size) = (new List<Tensor>(), 0L);
        foreach (var tensor in tensors)
        {
            var more = tensor.numel() * Checkpoints.TensorMemory.ElementSize(tensor.dtype);
            if (part.Count > 0 && size + more > bytes)
            {
                yield return part;
                (part, size) = ([], 0);
            }
            part.Add(tensor);
            size += more;
        }
        if (part.Count > 0) yield return part;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var view in _views) view.Dispose();
        Flat.Dispose();
    }
}
