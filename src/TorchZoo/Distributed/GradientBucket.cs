using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>Gradients that travel together.</summary>
/// <param name="parameters">Of one type and device.</param>
internal sealed class GradientBucket(Parameter[] parameters) : IDisposable
{
    private readonly TensorPack _pack = new(parameters);
    private readonly long[] _sizes = [.. parameters.Select(p => p.numel())];
    // The gradient that was sent: the address of its memory and its version; 0: there was none.
    private readonly (nint Address, long Version)[] _sent = new (nint, long)[parameters.Length];
    private readonly HashSet<nint> _awaited = [];
    private PendingOperation _pending = PendingOperation.Done;

    /// <summary>How many there are.</summary>
    public int Count => parameters.Length;

    /// <summary>Whether the parameters still have the sizes that they had.</summary>
    public bool Fits => parameters.Zip(_sizes).All(p => p.First.numel() == p.Second);

    /// <summary>Whether all gradients are done.</summary>
    public bool IsReady => _awaited.Count == 0;

    /// <summary>Waits for gradients again.</summary>
    public void Begin() => _awaited.UnionWith(parameters.Select(p => p.Handle));

    /// <summary>Takes note that a gradient is done.</summary>
    public void Note(Parameter parameter) => _awaited.Remove(parameter.Handle);

    /// <summary>Begins to add them up over the ranks; what isn't there counts as zero.</summary>
    public void Send(ProcessGroup group)
    {
        using var off = no_grad();
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            _sent[i] = StateOf(gradient);
            if (gradient is null) _pack[i].zero_();
            else _pack[i].copy_(gradient);
        }
        _pending = group.AllReduceAsync(_pack.Flat);
    }

    /// <summary>Says which gradients there are, and last whether one of them isn't what was sent.</summary>
    public void Describe(Span<double> flags, ref int at)
    {
        var changed = false;
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            flags[i] = gradient is null ? 0 : 1;
            changed |= StateOf(gradient) != _sent[i];
        }
        flags[^1] = changed ? 1 : 0;
        at += flags.Length;
    }

    /// <summary>Waits for the sums.</summary>
    public void Wait() => _pending.Wait();

    /// <summary>Makes the sums the gradients of those parameters that have one on any rank.</summary>
    public void Deliver(ReadOnlySpan<double> exists)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            if (exists[i] == 0) continue;
            using var gradient = parameters[i].grad;
            if (gradient is not null) gradient.copy_(_pack[i]);
            else
            {
                using var sum = _pack[i].clone();
                parameters[i].grad = sum;
            }
        }
    }

    private static (nint, long) StateOf(Tensor? gradient) => gradient is null ? default
        : (Checkpoints.TensorMemory.Address(gradient), TensorVersion.IsKnown ? TensorVersion.Of(gradient) : 0);

    /// <inheritdoc/>
    public void Dispose() => _pack.Dispose();
}
