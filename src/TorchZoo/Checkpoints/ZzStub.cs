#pragma warning disable CS1591
using static TorchSharp.torch;
namespace TorchZoo.Checkpoints;
public enum PyDictKind { Dict, OrderedDict, Counter }
public sealed class PyList : List<object?> { public PyList() { } public PyList(IEnumerable<object?> x) : base(x) { } }
public sealed class PyTuple(params object?[] items) : List<object?>(items) { }
public sealed record PyParameter(Tensor Data);
public sealed class PyDict : System.Collections.IEnumerable
{
    public Dictionary<object, object?> Items = [];
    public object? this[object key] { get => Items[key]; set => Items[key] = value; }
    public static PyDict From(IEnumerable<(string, object?)> items, PyDictKind kind = PyDictKind.Dict) { var d = new PyDict(); foreach (var (k, v) in items) d[k] = v; return d; }
    public bool TryGet<T>(object key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? value) { value = default; if (Items.TryGetValue(key, out var o) && o is T t) { value = t; return true; } return false; }
    public T Get<T>(object key) => TryGet<T>(key, out var v) ? v : throw new InvalidDataException($"no {key}");
    public IEnumerable<KeyValuePair<string, T>> StringItems<T>() => Items.Where(i => i.Key is string && (i.Value is T || typeof(T) == typeof(object))).Select(i => KeyValuePair.Create((string)i.Key, (T)i.Value!));
    public System.Collections.IEnumerator GetEnumerator() => Items.GetEnumerator();
}
public static class PyTree { public static void Dispose(object? tree) { } }
public static class PyTorchFile
{
    static readonly Dictionary<string, object?> Files = [];
    static object? Clone(object? o) => o switch { Tensor t => t.detach().clone().DetachFromDisposeScope(), PyDict d => Copy(d), PyList l => new PyList(l.Select(Clone)), PyTuple t => new PyTuple(t.Select(Clone).ToArray()), _ => o };
    static PyDict Copy(PyDict d) { var r = new PyDict(); foreach (var i in d.Items) r[i.Key] = Clone(i.Value); return r; }
    public static object? Load(string path) => Clone(Files[path]);
    public static void Save(string path, object? tree) { Files[path] = Clone(tree); File.WriteAllText(path, ""); }
}
public static partial class StateDict { public static void Load(nn.Module m, IReadOnlyDictionary<string, Tensor> s, bool strict) { using var _ = no_grad(); foreach (var e in Entries(m)) e.Show().copy_(s[e.Key]); } }
