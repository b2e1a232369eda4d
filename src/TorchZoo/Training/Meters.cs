using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>Weighted means of what steps log. Tensors wait in native memory and are read in bulk, so that a GPU is not stopped at every step.</summary>
internal sealed class Meters(int flushEvery) : IDisposable
{
    private readonly List<(string Name, Tensor Value, double Weight)> _pending = [];
    private readonly SortedDictionary<string, (double Sum, double Weight)> _sums = new(StringComparer.Ordinal);

    /// <summary>The last value of each metric that has been read.</summary>
    public Dictionary<string, double> Last { get; } = [];

    public void Add(string name, Tensor value, double weight)
    {
        if (value.numel() != 1) throw new ArgumentException($"the metric '{name}' must be a scalar, not of shape ({string.Join(", ", value.shape)})", nameof(value));
        if (flushEvery <= 1)
        {
            Add(name, Read(value), weight);
            return;
        }
        using (no_grad()) _pending.Add((name, value.detach().to(ScalarType.Float64).reshape([]).DetachFromDisposeScope(), weight));
        if (_pending.Count >= flushEvery) Flush();
    }

    /// <summary>A scalar's value, whatever its type.</summary>
    public static double Read(Tensor scalar)
    {
        switch (scalar.dtype)
        {
            case ScalarType.Float32: return scalar.item<float>();
            case ScalarType.Float64: return scalar.item<double>();
            default:
                using (NewDisposeScope()) return scalar.detach().to(ScalarType.Float64).item<double>();
        }
    }

    public void Add(string name, double value, double weight)
    {
        var (sum, total) = _sums.GetValueOrDefault(name);
        _sums[name] = (sum + value * weight, total + weight);
        Last[name] = value;
    }

    public void Flush()
    {
        if (_pending.Count == 0) return;
        using (var scope = NewDisposeScope())
        {
            var values = stack(_pending.Select(p => p.Value)).cpu().data<double>().ToArray();
            for (var i = 0; i < values.Length; i++) Add(_pending[i].Name, values[i], _pending[i].Weight);
        }
        foreach (var (_, value, _) in _pending) value.Dispose();
        _pending.Clear();
    }

    /// <summary>The means so far.</summary>
    public Dictionary<string, double> Means()
    {
        Flush();
        return _sums.ToDictionary(s => s.Key, s => s.Value.Weight > 0 ? s.Value.Sum / s.Value.Weight : double.NaN);
    }

    /// <summary>Sums and weights, to go on with in another process.</summary>
    public IReadOnlyDictionary<string, (double Sum, double Weight)> Sums
    {
        get
        {
            Flush();
            return _sums;
        }
    }

    public void Restore(string name, double sum, double weight) => _sums[name] = (sum, weight);

    public void Clear()
    {
        Flush();
        _sums.Clear();
        Last.Clear();
    }

    public void Dispose()
    {
        foreach (var (_, value, _) in _pending) value.Dispose();
        _pending.Clear();
    }
}
