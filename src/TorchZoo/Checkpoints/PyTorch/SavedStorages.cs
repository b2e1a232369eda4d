using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>A storage to be written: the memory from the first to the last element that any of its tensors shows.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Dtype">Type of its elements.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Anchor">A tensor on it; null if it has no elements.</param>
/// <param name="Start">Its first element, in the tensor's own storage.</param>
internal sealed record SavedStorage(string Key, ScalarType Dtype, long Count, Tensor? Anchor, long Start)
{
    /// <summary>Bytes.</summary>
    public long Bytes => Count * TensorMemory.ElementSize(Dtype);
}

/// <summary>Where a tensor is in the file.</summary>
internal sealed record SavedTensor(SavedStorage Storage, long Offset, long[] Size, long[] Stride);

/// <summary>
/// The tensors of a tree and the storages to write for them. Tensors that overlap in memory share a storage, so that they do again when
/// they are read; memory that no tensor shows is not written, so that a slice of a large tensor is a small file.
/// </summary>
internal sealed class SavedStorages : IDisposable
{
    private readonly Dictionary<Tensor, SavedTensor> _tensors = new(ReferenceEqualityComparer.Instance);
    private readonly List<SavedStorage> _storages = [];
    private readonly List<Tensor> _resolved = [];

    private SavedStorages() { }

    /// <summary>The storages, in the order in which the tree mentions them.</summary>
    public IReadOnlyList<SavedStorage> Storages => _storages;

    /// <summary>The place of a tensor of the tree.</summary>
    public SavedTensor this[Tensor tensor] => _tensors[tensor];

    /// <summary>Plans the storages of a tree.</summary>
    /// <exception cref="ArgumentException">A tensor cannot be saved.</exception>
    public static SavedStorages Of(object? tree)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var saved = new SavedStorages();
        var spans = new List<Span>();
        foreach (var tensor in TreeWalk.Tensors(tree)) spans.Add(saved.SpanOf(tensor, spans.Count));
        saved.Assign(spans);
        foreach (var tensor in saved._resolved) tensor.MoveToOuterDisposeScope();
        return saved;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _resolved) tensor.Dispose();
    }

    private Span SpanOf(Tensor tensor, int order)
    {
        if (tensor.is_sparse || tensor.device_type == DeviceType.META)
            throw new ArgumentException(
                $"a {(tensor.is_sparse ? "sparse" : "meta")} tensor [{string.Join(", ", tensor.shape)}] cannot be saved");
        _ = AllowedGlobals.StorageName(tensor.dtype);
        var values = tensor;
        if (tensor.is_conj() || tensor.is_neg())
        {
            // Older versions of PyTorch don't know these bits and would show the wrong numbers.
            values = tensor.resolve_conj().resolve_neg();
            _resolved.Add(values);
        }
        var elementSize = TensorMemory.ElementSize(values.dtype);
        long[] size = values.shape, stride = values.stride();
        if (values.numel() == 0) return new Span(tensor, values, size, stride, order, 0, 0, elementSize);
        var extent = 1L;
        for (var i = 0; i < size.Length; i++) extent += (size[i] - 1) * stride[i];
        var address = (long)TensorMemory.Address(values);
        return new Span(tensor, values, size, stride, order, address, address + extent * elementSize, elementSize);
    }

    private void Assign(List<Span> spans)
    {
        var clusters = new Cluster[spans.Count];
        // Empty tensors have no memory to share; one empty storage a dtype does for all of them.
        var groups = spans.GroupBy(s =>
            (s.Values.device_type, s.Values.device_index, s.Values.dtype, s.Start % s.ElementSize, s.Start == 0));
        foreach (var group in groups)
        {
            Cluster? current = null;
            foreach (var span in group.OrderBy(s => s.Start))
            {
                if (current is null || span.Start >= current.End && span.End > 0) current = new Cluster(span);
                current.End = Math.Max(current.End, span.End);
                clusters[span.Order] = current;
            }
        }
        foreach (var span in spans)
        {
            var cluster = clusters[span.Order];
            if (cluster.Storage is null) _storages.Add(cluster.Storage = cluster.ToStorage($"{_storages.Count}"));
            var offset = (span.Start - cluster.First.Start) / span.ElementSize;
            _tensors.Add(span.Tensor, new SavedTensor(cluster.Storage, offset, span.Size, span.Stride));
        }
    }

    private sealed record Span(Tensor Tensor, Tensor Values, long[] Size, long[] Stride, int Order, long Start, long End, int ElementSize);

    private sealed class Cluster(Span first)
    {
        public Span First { get; } = first;

        public long End { get; set; } = first.End;

        public SavedStorage? Storage { get; set; }

        public SavedStorage ToStorage(string key) => First.End == 0
            ? new SavedStorage(key, First.Values.dtype, 0, null, 0)
            : new SavedStorage(
                key, First.Values.dtype, (End - First.Start) / First.ElementSize, First.Values, First.Values.storage_offset());
    }
}
