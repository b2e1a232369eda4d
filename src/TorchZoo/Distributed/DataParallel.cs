using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// What ranks that train the same weights on different examples tell each other: the weights at the start, the sums of their gradients
/// before each update, and buffers (of normalisations) before they are used.
/// </summary>
internal sealed class DataParallel : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly List<nn.Module> _modules;
    private readonly Dictionary<optim.Optimizer, GradientReducer> _reducers;
    private readonly Dictionary<optim.Optimizer, OptimizerShards> _shards = [];
    private readonly GradientObserver? _observer;

    /// <param name="group">More than one rank.</param>
    /// <param name="trained">The modules that are trained.</param>
    /// <param name="others">Modules that go along.</param>
    /// <param name="optimizers">Who trains them.</param>
    /// <param name="options">How.</param>
    /// <exception cref="NotSupportedException">An optimizer's state is to be shared out and can't be.</exception>
    public DataParallel(ProcessGroup group, IEnumerable<nn.Module> trained, IEnumerable<nn.Module> others,
        IReadOnlyList<optim.Optimizer> optimizers, TrainerOptions options)
    {
        _group = group;
        List<nn.Module> networks = [.. trained];
        _modules = [.. networks, .. others];
        _reducers = optimizers.ToDictionary(o => o, o => new GradientReducer(group, o.parameters(), options.CompressGradients));
        if (options.ShardOptimizer) _shards = optimizers.ToDictionary(o => o, o => new OptimizerShards(group, o));
        // Of several optimizers each has its own time, and the gradients of one are in the way of the other.
        if (_reducers.Count == 1 && TensorVersion.IsKnown && _reducers.Values.Single() is { Listens: true } reducer)
            _observer = new GradientObserver(networks, reducer.Note);
    }

    /// <summary>Gives all ranks the weights and buffers of rank 0.</summary>
    public void SendWeights() => TensorPack.Broadcast(_group, _modules.SelectMany(m =>
        m.parameters().Cast<Tensor>().Concat(m.buffers())).DistinctBy(t => t.Handle));

    /// <summary>Gives all ranks the buffers of rank 0.</summary>
    public void SendBuffers() => TensorPack.Broadcast(_group, _modules.SelectMany(m => m.buffers()).DistinctBy(t => t.Handle));

    /// <summary>Before the step that ends in an update.</summary>
    public void Begin()
    {
        foreach (var reducer in _reducers.Values) reducer.Begin();
        if (_reducers.Values.All(r => r.Listens)) _observer?.Start();
    }

    /// <summary>Before each backward pass.</summary>
    public void BeginPass()
    {
        foreach (var reducer in _reducers.Values) reducer.BeginPass();
    }

    /// <summary>Makes the gradients of an optimizer's parameters their sums over the ranks.</summary>
    public void Reduce(optim.Optimizer optimizer)
    {
        _observer?.Stop();
        _reducers[optimizer].Finish();
    }

    /// <summary>Between an optimizer's look at all gradients and its update.</summary>
    public void BeforeUpdate(optim.Optimizer optimizer) => _shards.GetValueOrDefault(optimizer)?.KeepOwn();

    /// <summary>After an update.</summary>
    public void AfterUpdate(optim.Optimizer optimizer) => _shards.GetValueOrDefault(optimizer)?.ShareWeights();

    /// <summary>Before a checkpoint: rank 0 gets the optimizers' whole states.</summary>
    public void GatherStates()
    {
        foreach (var shards in _shards.Values) shards.Gather();
    }

    /// <summary>After a checkpoint was written or read: each rank keeps what is its own.</summary>
    public void ScatterStates()
    {
        foreach (var shards in _shards.Values) shards.Scatter();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _observer?.Dispose();
        foreach (var reducer in _reducers.Values) reducer.Dispose();
    }
}
