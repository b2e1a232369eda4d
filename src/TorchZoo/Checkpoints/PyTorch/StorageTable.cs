using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>A storage of a file.</summary>
/// <param name="key">Its name there.</param>
/// <param name="bytes">Its size.</param>
/// <param name="dtype">Type of its elements; null: not known yet (untyped).</param>
internal sealed class StorageRef(string key, long bytes, ScalarType? dtype)
{
    /// <summary>Its name in the file.</summary>
    public string Key { get; } = key;

    /// <summary>Its size.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Type of its elements: one for all tensors on it.</summary>
    public ScalarType? Dtype { get; set; } = dtype;

    /// <summary>The tensor whose memory it is, made when the first tensor on it is; its bytes may not be read yet.</summary>
    public Tensor? Memory { get; set; }

    /// <summary>Its first element in that tensor's storage.</summary>
    public long MemoryOffset { get; set; }

    /// <summary>Whether that memory is the file itself, mapped.</summary>
    public bool IsMapped { get; set; }
}

/// <summary>A storage, or in old files a part of one.</summary>
/// <param name="Root">The storage.</param>
/// <param name="Offset">First element of the part.</param>
/// <param name="Count">Elements; bytes if the storage is untyped.</param>
internal sealed record StorageView(StorageRef Root, long Offset, long Count);

/// <summary>The storages that a pickle names by persistent ids.</summary>
/// <param name="source">Knows the storages of the file.</param>
/// <param name="hasViews">Whether ids have a sixth part, the view of a storage (old format).</param>
internal sealed class StorageTable(StorageSource source, bool hasViews)
{
    private readonly Dictionary<string, StorageRef> _storages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (StorageRef Root, long Offset, long Count)> _views = new(StringComparer.Ordinal);

    /// <summary>All storages so far, in the order of their first mention.</summary>
    public IReadOnlyCollection<StorageRef> Storages => _storages.Values;

    /// <summary>The storage of a key, or null.</summary>
    public StorageRef? Find(string key) => _storages.GetValueOrDefault(key);

    /// <summary>The storage that a persistent id means.</summary>
    /// <exception cref="InvalidDataException">The id is malformed, contradicts an earlier one or what the file holds.</exception>
    public StorageView Resolve(PyTuple id)
    {
        if (id.Items is not ["storage", StorageClass type, string key, string, long count, .. var rest]
            || rest.Length != (hasViews ? 1 : 0))
            throw new InvalidDataException($"a persistent id is no storage: ({string.Join(", ", id.Take(10).Select(Show))})");
        if (key.Length is 0 or > 256 || key is "." or ".." || key.Any(c => char.IsControl(c) || c is '/' or '\\' or ':'))
            throw new InvalidDataException($"a storage has the key '{PyKey.Printable(key)}'");
        var elementSize = type.Dtype is { } dtype ? TensorMemory.ElementSize(dtype) : 1;
        if (count < 0 || count > long.MaxValue / elementSize) throw new InvalidDataException($"storage '{key}' claims {count} elements");
        if (_storages.TryGetValue(key, out var storage))
        {
            // An untyped storage gets its dtype from its first tensor; its ids go on saying untyped.
            if (storage.Bytes != count * elementSize || type.Dtype is not null && storage.Dtype != type.Dtype)
                throw new InvalidDataException($"storage '{key}' has two sizes or dtypes");
        }
        else
        {
            source.Admit(key, count * elementSize);
            storage = new StorageRef(key, count * elementSize, type.Dtype);
            _storages.Add(key, storage);
        }
        return rest.Length == 0 || rest[0] is null ? new StorageView(storage, 0, count) : View(storage, rest[0], count);
    }

    private StorageView View(StorageRef root, object? view, long count)
    {
        if ((view as PyTuple)?.Items is not [string key, long offset, long size])
            throw new InvalidDataException("a storage's view is no triple of key, offset and size");
        if (offset < 0 || size < 0 || offset > count - size)
            throw new InvalidDataException($"the view '{PyKey.Printable(key)}' of storage '{root.Key}' lies outside of it");
        if (!_views.TryAdd(key, (root, offset, size)) && _views[key] != (root, offset, size))
            throw new InvalidDataException($"the view '{PyKey.Printable(key)}' is two different ones");
        return new StorageView(root, offset, size);
    }

    private static string Show(object? value) => value switch
    {
        string or long or null => PyKey.Show(value),
        StorageClass => $"{value}",
        _ => PyTree.Describe(value),
    };
}
