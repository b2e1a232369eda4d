using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// Keys and values of a sequence that is being generated: those that some later position attends to. A position takes the time of its keys,
/// and those that nobody will ask for any more make room.
/// </summary>
internal sealed class AttentionCache : IDisposable
{
    private readonly (AttentionPattern Pattern, int Head, long[] Heads)[] _groups;
    private readonly int _heads;
    private readonly Dictionary<int, int> _slots = [];
    private readonly Stack<int> _free = new();
    private readonly PriorityQueue<int, int> _leaving = new();
    private Tensor? _keys, _values;
    private int _position;

    /// <summary>An empty cache.</summary>
    /// <param name="patterns">The pattern of each head, or one for all.</param>
    /// <param name="heads">How many heads.</param>
    public AttentionCache(IReadOnlyList<AttentionPattern> patterns, int heads)
    {
        _heads = heads;
        // Heads that attend to the same positions go together.
        _groups = [.. Enumerable.Range(0, heads).Select(h => (Pattern: patterns[patterns.Count == 1 ? 0 : h], Head: h))
            .GroupBy(h => (h.Pattern, h.Head % h.Pattern.SummaryBlocks))
            .Select(g => (g.Key.Pattern, g.First().Head, g.Select(h => (long)h.Head).ToArray()))];
    }

    /// <summary>How many positions it holds.</summary>
    public int Count => _slots.Count;

    /// <summary>Outputs of the next position.</summary>
    /// <param name="q">(batch, heads, 1, width)</param>
    /// <param name="k">As q.</param>
    /// <param name="v">(batch, heads, 1, value width)</param>
    /// <returns>As v.</returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        var position = _position++;
        Keep(position, k, v);
        var outputs = new List<Tensor>();
        foreach (var (pattern, head, heads) in _groups)
        {
            var numbers = pattern.Keys(position, head).Select(j => (long)_slots[j]).ToArray();
            var all = heads.Length == _heads;
            if (numbers.Length == 0)
            {
                outputs.Add(zeros([v.shape[0], heads.Length, 1, v.shape[3]], v.dtype, v.device));
                continue;
            }
            var slots = tensor(numbers, device: q.device);
            var chosen = all ? null : tensor(heads, device: q.device);
            Tensor OfHeads(Tensor x) => chosen is null ? x : x.index_select(1, chosen);
            Tensor keys = OfHeads(_keys!).index_select(2, slots), values = OfHeads(_values!).index_select(2, slots);
            var scores = OfHeads(q).matmul(keys.transpose(-1, -2)) / Math.Sqrt(q.shape[3]);
            outputs.Add(scores.softmax(-1).matmul(values));
        }
        while (_leaving.TryPeek(out var old, out var last) && last <= position)
        {
            _leaving.Dequeue();
            _free.Push(_slots[old]);
            _slots.Remove(old);
        }
        if (_groups.Length == 1) return outputs[0].MoveToOuterDisposeScope();
        var order = new long[_heads];
        foreach (var (place, head) in _groups.SelectMany(g => g.Heads).Index()) order[head] = place;
        return cat(outputs, 1).index_select(1, tensor(order, device: q.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys?.Dispose();
        _values?.Dispose();
    }

    private void Keep(int position, Tensor k, Tensor v)
    {
        var last = _groups.Max(g => g.Pattern.LastQuery(position, g.Head));
        if (last < position) return;
        if (!_free.TryPop(out var slot)) slot = _slots.Count;
        if (_keys is null || slot >= _keys.shape[2])
        {
            _keys = Grown(_keys, k);
            _values = Grown(_values, v);
        }
        _keys.narrow(2, slot, 1).copy_(k);
        _values!.narrow(2, slot, 1).copy_(v);
        _slots.Add(position, slot);
        if (last < int.MaxValue) _leaving.Enqueue(position, last);
    }

    // To twice the size.
    private static Tensor Grown(Tensor? old, Tensor like)
    {
        const int First = 16;
        using var scope = NewDisposeScope();
        var more = like.new_zeros([like.shape[0], like.shape[1], old?.shape[2] ?? First, like.shape[3]]);
        var grown = old is null ? more : cat([old, more], 2);
        old?.Dispose();
        return grown.DetachFromDisposeScope();
    }
}
