using System.Collections;
using TorchZoo.Checkpoints.PyTorch;

namespace TorchZoo.Checkpoints;

/// <summary>A Python set: hashable values (see <see cref="PyDict"/>), here in the order of insertion.</summary>
public sealed class PySet : IReadOnlyCollection<object?>
{
    private OrderedDictionary<object, object?>? _items;

    /// <inheritdoc/>
    public int Count => _items?.Count ?? 0;

    /// <summary>Adds a value.</summary>
    /// <returns>False if it was there already.</returns>
    /// <exception cref="ArgumentException">The value is of no hashable type.</exception>
    public bool Add(object? item) => (_items ??= new(PyKey.Comparer)).TryAdd(PyKey.Wrap(item), null);

    /// <summary>Whether a value is there.</summary>
    public bool Contains(object? item) => _items is not null && _items.ContainsKey(PyKey.Wrap(item));

    /// <inheritdoc/>
    public IEnumerator<object?> GetEnumerator() => (_items?.Keys.Select(PyKey.Unwrap) ?? []).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Number of values.</summary>
    public override string ToString() => $"set of {Count}";
}
