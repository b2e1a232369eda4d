using System.Globalization;
using System.Numerics;
using System.Text;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Writes a file's tree, a value a line. Names and texts come from strangers: nothing in them reaches the terminal as a command.</summary>
/// <param name="output">Where to.</param>
/// <param name="maxDepth">Levels that are shown.</param>
/// <param name="maxChildren">Values of a dictionary or list that are shown.</param>
internal sealed class CheckpointTree(TextWriter output, int maxDepth, int maxChildren)
{
    private const int MaxKeyWidth = 60, MaxText = 80, MaxInline = 8;

    public void Write(object? tree)
    {
        if (Children(tree).Any()) WriteChildren(tree, depth: 1);
        else output.WriteLine($"  {Describe(tree)}");
    }

    /// <summary>Tensors, elements, bytes and dtypes of a whole tree in a line. A tensor counts once wherever it is.</summary>
    public static string Summary(object? tree)
    {
        var tensors = tree is PyDict dict && dict.Values.FirstOrDefault() is SafetensorsEntry
            ? [.. dict.Values.Cast<SafetensorsEntry>().Select(e => (e.Dtype, Count: Count(e.Shape), Bytes: e.Length))]
            : PyTree.Tensors(tree).Select(t => (Dtype: t.dtype, Count: t.numel(), Bytes: t.numel() * t.element_size())).ToList();
        var dtypes = tensors.GroupBy(t => t.Dtype).Select(g => $"{g.Count()} {Name(g.Key)}");
        return string.Create(CultureInfo.InvariantCulture, $"{tensors.Count} tensors{(tensors.Count == 0 ? "" : $" ({string.Join(", ", dtypes)})")}, ")
            + string.Create(CultureInfo.InvariantCulture, $"{tensors.Sum(t => t.Count)} elements, {Size(tensors.Sum(t => t.Bytes))}");
    }

    /// <summary>The values of a container, and the attributes of a dictionary under names that begin with @.</summary>
    public static IEnumerable<(string Key, object? Value)> Children(object? node) => node switch
    {
        PyDict dict => dict.Select(i => (Key(i.Key), i.Value)).Concat(
            dict.HasAttributes ? dict.Attributes.Select(a => ($"@{Key(a.Key)}", a.Value)) : []),
        IReadOnlyList<object?> list => list.Select((v, i) => (i.ToString(CultureInfo.InvariantCulture), v)),
        _ => [],
    };

    /// <summary>A value in a few words.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "None",
        bool b => b ? "True" : "False",
        string text => $"'{Clean(text)}'",
        SafetensorsEntry e => Describe(e.Dtype, e.Shape, e.Length),
        Tensor t => Describe(t.dtype, t.shape, t.numel() * t.element_size()),
        byte[] bytes => $"bytes, {Size(bytes.Length)}",
        PyByteArray array => $"bytearray, {Size(array.Bytes.Length)}",
        PyDict dict => $"{(dict.Kind == PyDictKind.Dict ? "dict" : dict.Kind.ToString())} of {dict.Count}",
        PySet set => $"set of {set.Count}",
        IReadOnlyList<object?> list when !IsInline(list) => $"{Kind(list)} of {list.Count}",
        IReadOnlyList<object?> list => $"{Kind(list)} [{string.Join(", ", list.Take(MaxInline).Select(Describe))}"
            + (list.Count > MaxInline ? $", … {list.Count} in all]" : "]"),
        ScalarType dtype => Name(dtype),
        double x => Number(x),
        BigInteger or Complex or IFormattable => Clean(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)),
        _ => Clean(value.ToString() ?? ""),
    };

    /// <summary>A stranger's text on one line, without control characters and of bounded length.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder();
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, MaxText)))
        {
            // Format characters turn the direction of writing or hide; private and unassigned ones nobody can read.
            var isPlain = char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
            clean.Append(isPlain ? c.ToString() : $"\\u{(int)c:x4}");
        }
        return text.Length > MaxText ? $"{clean}… ({text.Length} characters)" : clean.ToString();
    }

    /// <summary>PyTorch's name of a dtype.</summary>
    public static string Name(ScalarType dtype) => dtype switch
    {
        ScalarType.Byte => "uint8",
        ScalarType.ComplexFloat32 => "complex64",
        ScalarType.ComplexFloat64 => "complex128",
        _ => dtype.ToString().ToLowerInvariant(),
    };

    /// <summary>A number of bytes.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        var value = (double)bytes;
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 ? value : Math.Round(value, value < 100 ? 1 : 0))} {units[unit]}");
    }

    private void WriteChildren(object? node, int depth)
    {
        var all = Children(node).ToList();
        var shown = all.Take(maxChildren).ToList();
        var width = Math.Min(MaxKeyWidth, shown.Where(c => !IsContainer(c.Value)).Select(c => Clean(c.Key).Length).DefaultIfEmpty().Max());
        var indent = new string(' ', 2 * depth);
        foreach (var (key, value) in shown)
        {
            var isInner = IsContainer(value) && Children(value).Any() && !IsInline(value);
            var isCut = isInner && depth >= maxDepth;
            output.WriteLine($"{indent}{Clean(key).PadRight(isInner ? 0 : width)}  {Describe(value)}{(isCut ? " … (--all shows them)" : "")}");
            if (isInner && !isCut) WriteChildren(value, depth + 1);
        }
        if (all.Count > shown.Count)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}… and {all.Count - shown.Count} more (--all shows them)"));
    }

    private static bool IsContainer(object? value) => value is PyDict or PySet or IReadOnlyList<object?>;

    private static bool IsInline(object? value) => value is IReadOnlyList<object?> list && !list.Any(v => IsContainer(v) || v is Tensor);

    private static string Describe(ScalarType dtype, IReadOnlyList<long> shape, long bytes) =>
        $"{Name(dtype),-9} [{string.Join(", ", shape)}]  {Size(bytes)}";

    private static string Kind(IReadOnlyList<object?> list) => list is not PyTuple tuple ? "list" : tuple.IsSize ? "Size" : "tuple";

    private static string Key(object? key) => key is string { Length: > 0 } text ? text : Describe(key);

    private static string Number(double value) =>
        double.IsFinite(value) ? value.ToString(CultureInfo.InvariantCulture) : double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

    private static long Count(IReadOnlyList<long> shape) => shape.Aggregate(1L, (product, size) => product * size);
}
