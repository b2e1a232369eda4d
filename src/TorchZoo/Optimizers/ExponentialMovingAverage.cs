using System.Numerics;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.TorchScript;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// A module's weights averaged over the training: w̄ ← d·w̄ + (1−d)·w after each update (Polyak and Juditsky 1992), with d rising to its
/// value as (1+n)/(10+n) over the updates n, so that the first weights are forgotten.
/// </summary>
/// <example><code>
/// using var average = new ExponentialMovingAverage(model, decay: 0.999);
/// // after each optimizer.step():
/// average.Update();
/// // to evaluate:
/// using (average.Swap()) Evaluate(model);
/// </code></example>
public sealed class ExponentialMovingAverage : IDisposable
{
    private readonly nn.Module _module;
    private readonly List<Tensor> _averages;

    /// <summary>Begins with the module's weights. Buffers are not averaged.</summary>
    /// <param name="module">The module; it must not be moved to another device or type later.</param>
    /// <param name="decay">d, in [0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="decay"/> is out of its range.</exception>
    public ExponentialMovingAverage(nn.Module module, double decay = 0.999)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (!(decay is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(decay), decay, "must be in [0, 1)");
        (_module, Decay) = (module, decay);
        using var off = no_grad();
        _averages = [.. Weights.Select(w => w.detach().clone().DetachFromDisposeScope())];
    }

    /// <summary>d</summary>
    public double Decay { get; }

    /// <summary>Updates made.</summary>
    public long Updates { get; internal set; }

    private IEnumerable<Tensor> Weights => _module.parameters();

    /// <summary>Takes the module's weights into the average.</summary>
    public void Update()
    {
        Updates++;
        var weight = 1 - Math.Min(Decay, (1.0 + Updates) / (10 + Updates));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var weights = Weights.Zip(_averages).ToList();
        if (weights.Count == 0) return;
        if (weights.All(w => TensorShares.CanShare(w.First) && TensorShares.CanShare(w.Second))) Lerp([.. weights.Select(w => w.Second)], [.. weights.Select(w => w.First)], weight);
        else
            foreach (var alike in weights.GroupBy(w => (w.First.dtype, w.First.device_type, w.First.device_index)))
                FusedOptimizerOps.Lerp([.. alike.Select(w => w.Second)], [.. alike.Select(w => w.First)], weight);
    }

    /// <summary>Exchanges the module's weights for their averages, until the returned object is disposed of.</summary>
    public IDisposable Swap()
    {
        Exchange();
        return new Back(this);
    }

    /// <summary>Copies the averages into the module.</summary>
    public void CopyToModule()
    {
        using var off = no_grad();
        foreach (var (weight, average) in Weights.Zip(_averages)) weight.copy_(average);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var average in _averages) average.Dispose();
        _averages.Clear();
    }

    /// <summary>The module's state dict with the averages in place of the weights; tensors share memory with this.</summary>
    internal PyDict State()
    {
        using var off = no_grad();
        var averages = Weights.Zip(_averages).ToDictionary(p => p.First.Handle, p => p.Second);
        return PyDict.FromTensors(StateDict.Entries(_module)
            .Select(e => KeyValuePair.Create(e.Key, e.View(averages.GetValueOrDefault(e.Stored.Handle, e.Stored)))));
    }

    /// <summary>Takes the module's weights as they are for the averages.</summary>
    internal void CopyFromModule()
    {
        using var off = no_grad();
        foreach (var (weight, average) in Weights.Zip(_averages)) average.copy_(weight);
    }

    private void Exchange()
    {
        using var off = no_grad();
        foreach (var (weight, average) in Weights.Zip(_averages))
        {
            using var kept = weight.detach().clone();
            weight.copy_(average);
            average.copy_(kept);
        }
    }

    private static unsafe void Lerp(Tensor[] to, Tensor[] from, double weight)
    {
        nint[] targets = [.. to.Select(TensorMemory.Address)], sources = [.. from.Select(TensorMemory.Address)];
        bool[] isDouble = [.. to.Select(t => t.dtype == ScalarType.Float64)];
        long[] lengths = [.. to.Select(t => t.numel())];
        TensorShares.ForEach(lengths, TensorShares.Workers(lengths), (i, start, count, _) =>
        {
            if (isDouble[i]) Lerp<double>(i, start, count);
            else Lerp<float>(i, start, count);
        });
        GC.KeepAlive(to);
        GC.KeepAlive(from);

        void Lerp<T>(int i, long start, long count) where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorSums.Lerp((T*)targets[i] + start, (T*)sources[i] + start, count, weight);
    }

    private sealed class Back(ExponentialMovingAverage average) : IDisposable
    {
        private bool _done;

        public void Dispose()
        {
            if (!_done) average.Exchange();
            _done = true;
        }
    }
}
