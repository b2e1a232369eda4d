using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>Gradients that travel together.</summary>
/// <param name="group">Between whom.</param>
/// <param name="parameters">Of one type and device.</param>
/// <param name="compress">Whether they travel as bfloat16: each rank adds up one part in float32, and gives the sums to all.</param>
internal sealed class GradientBucket(ProcessGroup group, Parameter[] parameters, bool compress) : IDisposable
{
    private readonly TensorPack _pack = new(parameters);
    private readonly long[] _sizes = [.. parameters.Select(p => p.numel())];
    // The gradient that was sent: the address of its memory and its version; 0: there was none.
    private readonly (nint Address, long Version)[] _sent = new (nint, long)[parameters.Length];
    private readonly HashSet<nint> _awaited = [];
    private (Tensor Sent, Tensor Received)? _parts;
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
    /// <param name="goesOn">Whether there is something else to do meanwhile; if not, it is done at once, which is faster.</param>
    public void Send(bool goesOn)
    {
        using var off = no_grad();
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            _sent[i] = StateOf(gradient);
            if (gradient is null) _pack[i].zero_();
            else _pack[i].copy_(gradient);
        }
        if (compress) SendParts();
        else if (goesOn) _pending = group.AllReduceAsync(_pack.Flat);
        else group.AllReduce(_pack.Flat);
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
    public void Wait()
    {
        _pending.Wait();
        if (_parts is not { } parts) return;
        _parts = null;
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var sums = group.AllGather(parts.Received.to(ScalarType.Float32).sum([0L]).to(ScalarType.BFloat16));
        _pack.Flat.copy_(sums.view(-1).narrow(0, 0, _pack.Flat.numel()));
        parts.Sent.Dispose();
        parts.Received.Dispose();
    }

    // Part r is what rank r adds up.
    private void SendParts()
    {
        using var scope = NewDisposeScope();
        var (count, size) = (_pack.Flat.numel(), group.Size);
        var all = zeros([(count + size - 1) / size * size], ScalarType.BFloat16);
        all.narrow(0, 0, count).copy_(_pack.Flat);
        var sent = all.view(size, -1);
        var received = empty_like(sent);
        _parts = (sent.DetachFromDisposeScope(), received.DetachFromDisposeScope());
        _pending = group.ExchangeAsync(sent, received);
    }

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
    public void Dispose()
    {
        _pack.Dispose();
        _parts?.Sent.Dispose();
        _parts?.Received.Dispose();
    }
}
