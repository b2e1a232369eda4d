using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// ZeRO's first stage (Rajbhandari et al. 2020, arXiv 1910.02054, section 5.1): each rank keeps the optimizer's state of its share of the
/// parameters alone, updates these, and gives the others their new weights. The weights are those that every rank would have computed.
/// </summary>
internal sealed class OptimizerShards
{
    private readonly ProcessGroup _group;
    private readonly FusedOptimizer _optimizer;
    private readonly int[] _owners;

    /// <exception cref="NotSupportedException">The optimizer isn't a <see cref="FusedOptimizer"/>, whose states can be taken
    /// apart.</exception>
    public OptimizerShards(ProcessGroup group, optim.Optimizer optimizer)
    {
        _optimizer = optimizer as FusedOptimizer ?? throw new NotSupportedException(
            $"the state of {optimizer.GetType().Name} can't be shared out over ranks; that of FusedAdam, FusedAdamW and FusedSgd can");
        _group = group;
        _owners = new int[_optimizer.States.Count];
        // The largest first, each to who has least.
        var loads = new long[group.Size];
        foreach (var i in Enumerable.Range(0, _owners.Length).OrderByDescending(i => _optimizer.States[i].Parameter.numel()))
        {
            _owners[i] = Array.IndexOf(loads, loads.Min());
            loads[_owners[i]] += _optimizer.States[i].Parameter.numel();
        }
    }

    /// <summary>Before an update: only gradients of this rank's parameters stay.</summary>
    public void KeepOwn()
    {
        for (var i = 0; i < _owners.Length; i++)
            if (_owners[i] != _group.Rank) _optimizer.States[i].Parameter.grad = null;
    }

    /// <summary>After an update: all ranks get all weights.</summary>
    public void ShareWeights()
    {
        for (var rank = 0; rank < _group.Size; rank++)
            TensorPack.Broadcast(_group, _optimizer.States.Where((_, i) => _owners[i] == rank).Select(s => (Tensor)s.Parameter), rank);
    }

    /// <summary>Before a checkpoint: rank 0 gets all states.</summary>
    public void Gather()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (states, kinds) = (_optimizer.States, _optimizer.StateNames.Count);
        var there = new double[states.Count * (kinds + 1)];
        for (var i = 0; i < states.Count; i++)
        {
            if (_owners[i] != _group.Rank) continue;
            there[i * (kinds + 1)] = states[i].Step;
            for (var k = 0; k < kinds; k++) there[i * (kinds + 1) + 1 + k] = states[i][k] is null ? 0 : 1;
        }
        _group.AllReduce(there);
        for (var rank = 1; rank < _group.Size; rank++)
        {
            List<Tensor> tensors = [];
            for (var i = 0; i < states.Count; i++)
            {
                if (_owners[i] != rank) continue;
                if (_group.IsFirst) states[i].Step = (long)there[i * (kinds + 1)];
                for (var k = 0; k < kinds; k++)
                    if (there[i * (kinds + 1) + 1 + k] > 0)
                        tensors.Add(_group.IsFirst || _group.Rank == rank ? states[i].Get(k) : empty_like(states[i].Parameter));
            }
            TensorPack.Broadcast(_group, tensors, rank);
        }
    }

    /// <summary>After a checkpoint was written or read: each rank forgets the states that aren't its own.</summary>
    public void Scatter()
    {
        for (var i = 0; i < _owners.Length; i++)
            if (_owners[i] != _group.Rank) _optimizer.States[i].Dispose();
    }
}
