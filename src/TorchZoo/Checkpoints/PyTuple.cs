using System.Collections;
using System.Runtime.CompilerServices;

namespace TorchZoo.Checkpoints;

/// <summary>A Python tuple.</summary>
[CollectionBuilder(typeof(PyTuple), nameof(Create))]
public sealed class PyTuple : IReadOnlyList<object?>
{
    private readonly object?[] _items;

    /// <summary>A tuple of these values.</summary>
    /// <param name="items">Values; they are copied.</param>
    public PyTuple(params ReadOnlySpan<object?> items) : this(items, isSize: false) { }

    private PyTuple(ReadOnlySpan<object?> items, bool isSize)
    {
        _items = items.ToArray();
        IsSize = isSize;
    }

    /// <summary>Whether it is a <c>torch.Size</c>.</summary>
    public bool IsSize { get; }

    /// <inheritdoc/>
    public int Count => _items.Length;

    /// <inheritdoc/>
    public object? this[int index] => _items[index];

    /// <summary>A tuple of these values.</summary>
    public static PyTuple Create(ReadOnlySpan<object?> items) => new(items, isSize: false);

    /// <summary>A <c>torch.Size</c>.</summary>
    public static PyTuple Size(params ReadOnlySpan<long> sizes)
    {
        var items = new object?[sizes.Length];
        for (var i = 0; i < items.Length; i++) items[i] = sizes[i];
        return new PyTuple(items, isSize: true);
    }

    /// <summary>The values; they may not be changed.</summary>
    internal object?[] Items => _items;

    /// <summary>The values.</summary>
    public ReadOnlySpan<object?> AsSpan() => _items;

    /// <inheritdoc/>
    public IEnumerator<object?> GetEnumerator() => ((IEnumerable<object?>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Number of values.</summary>
    public override string ToString() => $"{(IsSize ? "Size" : "tuple")} of {Count}";
}
