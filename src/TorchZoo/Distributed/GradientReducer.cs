using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// Adds up the gradients of all ranks. They travel in buckets; the first ones leave while the backward pass is still at work, if it is
/// observed, each as soon as its gradients are done. That a gradient has changed after it left is noticed, and its bucket sent again: what
/// is observed decides how fast it goes, never what comes out.
/// </summary>
/// <param name="group">The ranks.</param>
/// <param name="parameters">Whose gradients; the same on all ranks.</param>
/// <param name="compress">Whether gradients travel as bfloat16.</param>
internal sealed class GradientReducer(ProcessGroup group, IEnumerable<Parameter> parameters, bool compress = false) : IDisposable
{
    // The first is small: it leaves early. The others are long enough that their length alone decides how long they take.
    private const long FirstBucket = 1 << 20, OtherBuckets = 25 << 20;

    private readonly ProcessGroup _group = group.Duplicate();
    private readonly Parameter[] _parameters = [.. parameters.Where(p => p.requires_grad)];
    private List<GradientBucket> _buckets = [];
    private Dictionary<nint, GradientBucket> _bucketOf = [];
    private readonly List<nint> _order = []; // handles, in the order in which gradients were done
    private int _passes, _next;
    private bool _isOrdered, _isArmed;

    /// <summary>Whether it wants to be told whose gradients are done: until it knows their order, and while buckets leave early. Not where
    /// all fit into the first bucket: it would leave when the backward pass is as good as over, and who observes has costs.</summary>
    public bool Listens => _isOrdered ? Overlaps : _parameters.Sum(SizeOf) > FirstBucket;

    /// <summary>Whether buckets leave during the backward pass.</summary>
    public bool Overlaps { get; private set; }

    /// <summary>For tests: how many buckets left early, and how many had to be sent again.</summary>
    public (long Early, long Again) Counts { get; private set; }

    /// <summary>Begins an update: the next backward pass is the last before <see cref="Finish"/>.</summary>
    public void Begin()
    {
        if (_buckets.Count == 0 || _buckets.Any(b => !b.Fits)) Build([.. _parameters.Reverse()], 0);
        (_passes, _next, _isArmed) = (0, 0, true);
        _order.Clear();
        foreach (var bucket in _buckets) bucket.Begin();
    }

    /// <summary>A backward pass begins.</summary>
    public void BeginPass()
    {
        // Who differentiates several times adds to gradients that may have left already: not again.
        if (++_passes > 1) Overlaps = false;
    }

    /// <summary>Takes note that the gradients of some parameters are done.</summary>
    public void Note(IReadOnlyList<Parameter> parameters)
    {
        if (!_isArmed) return;
        foreach (var parameter in parameters)
        {
            if (!_isOrdered) _order.Add(parameter.Handle);
            if (_bucketOf.TryGetValue(parameter.Handle, out var bucket)) bucket.Note(parameter);
        }
        // All ranks must send buckets in the same order.
        for (; Overlaps && _next < _buckets.Count && _buckets[_next].IsReady; _next++)
        {
            _buckets[_next].Send(goesOn: true);
            Counts = (Counts.Early + 1, Counts.Again);
        }
    }

    /// <summary>Sends what has not left, waits for all, and makes the sums the parameters' gradients; a gradient that no rank has stays
    /// absent.</summary>
    public void Finish()
    {
        using var off = no_grad();
        if (!_isArmed) Begin();
        _isArmed = false;
        for (; _next < _buckets.Count; _next++) _buckets[_next].Send(goesOn: _next < _buckets.Count - 1);
        // Which gradients are there, and which buckets are out of date, on any rank.
        var flags = new double[_buckets.Sum(b => b.Count + 1)];
        var at = 0;
        foreach (var bucket in _buckets) bucket.Describe(flags.AsSpan(at, bucket.Count + 1), ref at);
        _group.AllReduce(flags, ReduceOp.Max);
        foreach (var bucket in _buckets) bucket.Wait();
        at = 0;
        foreach (var bucket in _buckets)
        {
            var own = flags.AsSpan(at, bucket.Count + 1);
            if (own[^1] > 0)
            {
                bucket.Send(goesOn: false);
                bucket.Wait();
                Counts = (Counts.Early, Counts.Again + 1);
                Overlaps = false;
            }
            bucket.Deliver(own[..^1]);
            at += own.Length;
        }
        if (!_isOrdered) Order();
    }

    /// <summary>After the first update: buckets in the order in which gradients are done on rank 0, and from now on they leave
    /// early.</summary>
    private void Order()
    {
        _isOrdered = true;
        var index = _parameters.Select((p, i) => (p.Handle, i)).ToDictionary(p => p.Handle, p => p.i);
        // What was not observed comes last.
        var order = full([_parameters.Length], long.MaxValue, ScalarType.Int64);
        using (order)
        {
            var rank = _parameters.Select(_ => long.MaxValue).ToArray();
            foreach (var (place, handle) in _order.Index())
                if (index.TryGetValue(handle, out var i)) rank[i] = place;
            using var own = tensor(rank);
            order.copy_(own);
            _group.Broadcast(order);
            var places = order.data<long>().ToArray();
            var early = _group.Any(_passes > 1) ? 0 : places.Count(p => p != long.MaxValue);
            Build([.. _parameters.Select((p, i) => (p, i)).OrderBy(p => places[p.i]).ThenByDescending(p => p.i).Select(p => p.p)], early);
            Overlaps = early > 0 && TensorVersion.IsKnown;
        }
    }

    /// <param name="order">All parameters.</param>
    /// <param name="early">How many at the front are observed: the others must not hold them up.</param>
    private void Build(List<Parameter> order, int early)
    {
        foreach (var bucket in _buckets) bucket.Dispose();
        _buckets = [];
        _bucketOf = [];
        // Of the front: those that fit into the first bucket.
        var (first, bytes) = (0, 0L);
        while (first < early && (first == 0 || bytes + SizeOf(order[first]) <= FirstBucket)) bytes += SizeOf(order[first++]);
        foreach (var part in TensorPack.Groups(order.Take(first), FirstBucket)
            .Concat(TensorPack.Groups(order.Skip(first).Take(early - first), OtherBuckets))
            .Concat(TensorPack.Groups(order.Skip(early), OtherBuckets)))
        {
            var bucket = new GradientBucket(_group, [.. part.Cast<Parameter>()], compress);
            _buckets.Add(bucket);
            foreach (var parameter in part) _bucketOf[parameter.Handle] = bucket;
        }
    }

    private static long SizeOf(Tensor t) => t.numel() * Checkpoints.TensorMemory.ElementSize(t.dtype);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var bucket in _buckets) bucket.Dispose();
        _group.Dispose();
    }
}
