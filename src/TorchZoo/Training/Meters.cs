using System.Text;
using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>Weighted means of what steps log. Tensors wait in native memory and are read in bulk, so that a GPU is not stopped at every
/// step. Those of several ranks are averaged together.</summary>
/// <param name="flushEvery">How many tensors may wait.</param>
/// <param name="group">The ranks; null: this one alone.</param>
internal sealed class Meters(int flushEvery, ProcessGroup? group = null) : IDisposable
{
    private readonly ProcessGroup _group = group ?? ProcessGroup.Single;
    // Of this rank, since the last time that all shared theirs.
    private readonly SortedDictionary<string, (double Sum, double Weight)> _own = new(StringComparer.Ordinal);
    // Of all ranks, in the same order.
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
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
        var sums = _group.Size == 1 ? _sums : _own;
        var (sum, total) = sums.GetValueOrDefault(name);
        // Zero times infinity is no number.
        sums[name] = weight == 0 ? (sum, total) : (sum + value * weight, total + weight);
        Last[name] = value;
    }

    /// <summary>After each step: all ranks put together what they logged. Costs one small message.</summary>
    public void Share()
    {
        if (_group.Size == 1) return;
        var totals = new double[2 * _names.Count + 1];
        // Ranks may log names that others don't know yet.
        totals[^1] = _own.Keys.All(_names.Contains) ? 0 : 1;
        foreach (var (i, name) in _names.Index()) (totals[2 * i], totals[2 * i + 1]) = _own.GetValueOrDefault(name);
        _group.AllReduce(totals);
        if (totals[^1] > 0)
        {
            var names = _group.AllGather(Encoding.UTF8.GetBytes(string.Join('\n', _own.Keys)));
            _names.UnionWith(names.SelectMany(n => Encoding.UTF8.GetString(n).Split('\n', StringSplitOptions.RemoveEmptyEntries)));
            Share();
            return;
        }
        foreach (var (i, name) in _names.Index())
        {
            if (totals[2 * i + 1] == 0) continue;
            var (sum, weight) = _sums.GetValueOrDefault(name);
            _sums[name] = (sum + totals[2 * i], weight + totals[2 * i + 1]);
            Last[name] = totals[2 * i] / totals[2 * i + 1];
        }
        _own.Clear();
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

    /// <summary>Reads what waits, and shares it.</summary>
    private void Settle()
    {
        Flush();
        Share();
    }

    /// <summary>The means so far, of all ranks.</summary>
    public Dictionary<string, double> Means()
    {
        Settle();
        return _sums.ToDictionary(s => s.Key, s => s.Value.Weight > 0 ? s.Value.Sum / s.Value.Weight : double.NaN);
    }

    /// <summary>Sums and weights of all ranks, to go on with in another process.</summary>
    public IReadOnlyDictionary<string, (double Sum, double Weight)> Sums
    {
        get
        {
            Settle();
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
