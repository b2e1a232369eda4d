using System.Globalization;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Terminal;

/// <summary>How the tensors of two files differ.</summary>
internal sealed class CheckpointDiff
{
    // Elements that are compared at once: as float64 they take some megabytes, whatever the tensor takes.
    private const long Chunk = 1 << 20;

    private readonly List<(string Name, string What, double? Largest)> _differences = [];
    private int _common, _missing, _unexpected, _shapes, _dtypes, _values;
    private double _largest;

    public bool IsEmpty => _differences.Count == 0;

    /// <summary>Compares. Values are equal as numbers: a NaN equals a NaN, and 1 of one dtype 1 of another (but dtypes differ then).</summary>
    public static CheckpointDiff Of(IReadOnlyDictionary<string, Tensor> a, IReadOnlyDictionary<string, Tensor> b)
    {
        var diff = new CheckpointDiff();
        foreach (var (name, tensor) in a)
            if (b.TryGetValue(name, out var other)) diff.Compare(name, tensor, other);
            else diff.Add(ref diff._missing, name, "only in the first", null);
        foreach (var name in b.Keys.Where(name => !a.ContainsKey(name))) diff.Add(ref diff._unexpected, name, "only in the second", null);
        return diff;
    }

    public void Write(Screen screen, int most)
    {
        if (!IsEmpty)
            screen.WriteTable(["tensor", "difference", "largest |a-b|"], [.. _differences.Take(most)
                .Select(object[] (d) => [CheckpointTree.Clean(d.Name), d.What, d.Largest is { } x ? Number(x) : ""])]);
        if (_differences.Count > most) screen.Raw.WriteLine($"… and {_differences.Count - most} more (--all shows them)");
        screen.Raw.WriteLine(IsEmpty ? $"equal: {_common} tensors" : string.Create(CultureInfo.InvariantCulture,
            $"different: of {_common} common tensors {_shapes} in shape, {_dtypes} in dtype, {_values} in values")
            + (_values > 0 ? $" (largest |a-b| {Number(_largest)})" : "")
            + string.Create(CultureInfo.InvariantCulture, $"; {_missing} only in the first, {_unexpected} only in the second"));
    }

    private void Compare(string name, Tensor a, Tensor b)
    {
        _common++;
        if (!a.shape.AsSpan().SequenceEqual(b.shape))
        {
            Add(ref _shapes, name, $"shape [{string.Join(", ", a.shape)}] and [{string.Join(", ", b.shape)}]", null);
            return;
        }
        var largest = Largest(a, b);
        if (largest != 0)
        {
            _values++;
            _largest = double.IsNaN(_largest) ? _largest : double.IsNaN(largest) ? largest : Math.Max(_largest, largest);
        }
        if (a.dtype != b.dtype) Add(ref _dtypes, name, $"{CheckpointTree.Name(a.dtype)} and {CheckpointTree.Name(b.dtype)}", largest);
        else if (largest != 0) _differences.Add((name, "values", largest));
    }

    private void Add(ref int counter, string name, string what, double? largest)
    {
        counter++;
        _differences.Add((name, what, largest));
    }

    /// <summary>The largest |a−b|; NaN where only one of the two is a NaN, 0 only if all values are equal.</summary>
    private static double Largest(Tensor a, Tensor b)
    {
        using var off = no_grad();
        var largest = 0.0;
        var count = a.numel();
        using var outer = NewDisposeScope();
        var (x, y) = (a.detach().reshape(-1), b.detach().reshape(-1));
        for (var start = 0L; start < count; start += Chunk)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(Chunk, count - start);
            var (p, q) = (x.narrow(0, start, length), y.narrow(0, start, length));
            if (p.dtype == q.dtype && p.Equals(q)) continue;
            var value = Difference(p, q);
            if (double.IsNaN(value)) return value;
            largest = Math.Max(largest, value);
        }
        return largest;
    }

    private static double Difference(Tensor p, Tensor q)
    {
        // Two 64-bit integers may differ by less than a double can tell.
        var differ = p.dtype == q.dtype ? p.ne(q) : Wide(p).ne(Wide(q));
        differ = differ.logical_and(p.isnan().logical_and(q.isnan()).logical_not());
        if (!differ.any().item<bool>()) return 0;
        var distance = (Wide(p) - Wide(q)).abs().masked_select(differ).max().item<double>();
        return distance == 0 ? double.Epsilon : distance;
    }

    private static Tensor Wide(Tensor tensor) =>
        tensor.is_complex() ? tensor.to(ScalarType.ComplexFloat64) : tensor.to(ScalarType.Float64);

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
