using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// A Python dictionary: keys of any hashable type in the order of insertion. Keys are compared as Python does: 1, 1.0 and True are the
/// same.
/// </summary>
/// <param name="kind">What it is in Python.</param>
public sealed class PyDict(PyDictKind kind = PyDictKind.Dict) : IReadOnlyCollection<KeyValuePair<object?, object?>>
{
    // Made on first use: a hostile file may make millions of empty dictionaries.
    private OrderedDictionary<object, object?>? _items;
    private PyDict? _attributes;

    /// <summary>What it is in Python.</summary>
    public PyDictKind Kind { get; } = kind;

    /// <summary>Number of entries.</summary>
    public int Count => _items?.Count ?? 0;

    /// <summary>Attributes of the object, e.g. <c>_metadata</c> of a state dict. Only an OrderedDict carries them into a file.</summary>
    public PyDict Attributes => _attributes ??= [];

    /// <summary>Whether there are attributes.</summary>
    public bool HasAttributes => _attributes is { Count: > 0 };

    /// <summary>Keys, in order.</summary>
    public IEnumerable<object?> Keys => _items?.Keys.Select(PyKey.Unwrap) ?? [];

    /// <summary>Values, in order.</summary>
    public IEnumerable<object?> Values => (IEnumerable<object?>?)_items?.Values ?? [];

    private OrderedDictionary<object, object?> Items => _items ??= new(PyKey.Comparer);

    /// <summary>The value of a key.</summary>
    /// <param name="key">None (null), a bool, integer, float, complex, string, bytes, dtype, device or a tuple of these.</param>
    /// <exception cref="KeyNotFoundException">There is no such key.</exception>
    /// <exception cref="ArgumentException">The key is of no hashable type.</exception>
    public object? this[object? key]
    {
        get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"no key {PyKey.Show(key)}");
        set => Items[PyKey.Wrap(key)] = value;
    }

    /// <summary>An OrderedDict of tensors, as <c>state_dict()</c> returns it.</summary>
    /// <param name="tensors">Names and tensors, in order; nothing is copied.</param>
    /// <exception cref="ArgumentException">A name is there twice.</exception>
    public static PyDict FromTensors(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        var dict = new PyDict(PyDictKind.OrderedDict);
        foreach (var (name, tensor) in tensors) dict.Add(name, tensor);
        return dict;
    }

    /// <summary>Adds an entry.</summary>
    /// <exception cref="ArgumentException">The key is there already or of no hashable type.</exception>
    public void Add(object? key, object? value) => Items.Add(PyKey.Wrap(key), value);

    /// <summary>Whether a key is there.</summary>
    public bool ContainsKey(object? key) => Items.ContainsKey(PyKey.Wrap(key));

    /// <summary>The value of a key, if it is there.</summary>
    public bool TryGetValue(object? key, out object? value) => Items.TryGetValue(PyKey.Wrap(key), out value);

    /// <summary>A value at a path below this dictionary, as a given type.</summary>
    /// <typeparam name="T">Type wanted. Python's int also reads as int or double, a bytearray as bytes, a list or a tuple as
    /// <c>IReadOnlyList&lt;object?&gt;</c>.</typeparam>
    /// <param name="path">Keys of dictionaries and indices of lists and tuples, from here.</param>
    /// <exception cref="InvalidDataException">There is nothing at the path, or a value of another type; the message names the
    /// path.</exception>
    public T Get<T>(params ReadOnlySpan<object> path) =>
        PyTree.Find(this, path, out var value, out var missing)
            ? PyTree.TryAs<T>(value, out var typed) ? typed
                : throw new InvalidDataException(
                    $"'{PyTree.Show(path)}' is {PyTree.Describe(value)}; {PyTree.Describe(typeof(T))} was expected")
            : throw new InvalidDataException($"'{PyTree.Show(path)}' is missing (there is no '{missing}')");

    /// <summary>A value at a path below this dictionary if it is there and of the type; see <see cref="Get{T}"/>.</summary>
    /// <param name="path">A key, or keys and indices.</param>
    /// <param name="value">The value.</param>
    /// <returns>False if there is nothing at the path, None, or a value of another type.</returns>
    public bool TryGet<T>(ReadOnlySpan<object> path, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        return PyTree.Find(this, path, out var found, out _) && PyTree.TryAs(found, out value);
    }

    /// <inheritdoc cref="TryGet{T}(ReadOnlySpan{object}, out T)"/>
    /// <param name="key">Key.</param>
    /// <param name="value">The value.</param>
    public bool TryGet<T>(string key, [MaybeNullWhen(false)] out T value) => TryGet<T>([key], out value);

    /// <summary>The entries as a state dict.</summary>
    /// <returns>Names and tensors, in order. The tensors are those of this dictionary, not copies. Left out is what libraries keep among
    /// the weights but is none: <c>_metadata</c>, and modules' <c>_extra_state</c> that is no tensor.</returns>
    /// <exception cref="InvalidDataException">Another key is no string or another value no tensor.</exception>
    public Dictionary<string, Tensor> ToTensors()
    {
        var tensors = new Dictionary<string, Tensor>(Count);
        foreach (var (key, value) in this)
        {
            if (key is not string name) throw new InvalidDataException($"a state dict's key is {PyTree.Describe(key)}, no string");
            if (value is not Tensor && IsNoWeight(name)) continue;
            tensors.Add(name, value as Tensor ?? throw new InvalidDataException($"'{name}' is {PyTree.Describe(value)}, no tensor"));
        }
        return tensors;
    }

    /// <summary>Whether a state dict's entry of this name may be something else than a tensor.</summary>
    internal static bool IsNoWeight(string name) => name == "_metadata" || name.EndsWith("_extra_state", StringComparison.Ordinal);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator()
    {
        if (_items is null) yield break;
        foreach (var (key, value) in _items) yield return new(PyKey.Unwrap(key), value);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Kind and number of entries.</summary>
    public override string ToString() => $"{Kind} of {Count}";
}
