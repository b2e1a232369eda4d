using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A recurrent cell that calculates: h_t = unit(x_t, h_{t−1}). (batch, in), (batch, hidden) → (batch, hidden).</summary>
/// <remarks>Source: Trask et al. 2018, section 4 (recurrent task).</remarks>
public abstract class ArithmeticCell : Module<Tensor, Tensor, Tensor>
{
    private protected ArithmeticCell(string name, long inFeatures, long hiddenFeatures) : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenFeatures);
        (InFeatures, HiddenFeatures) = (inFeatures, hiddenFeatures);
    }

    /// <summary>Numbers in at each step.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers kept from step to step.</summary>
    public long HiddenFeatures { get; }

    /// <summary>One step.</summary>
    /// <param name="x">(…, in)</param>
    /// <param name="hidden">(…, hidden)</param>
    /// <exception cref="ArgumentException">An axis doesn't fit.</exception>
    public override Tensor forward(Tensor x, Tensor hidden)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(hidden);
        CheckInput(x);
        if (hidden.dim() != x.dim() || hidden.shape[^1] != HiddenFeatures || !hidden.shape.AsSpan()[..^1].SequenceEqual(x.shape.AsSpan()[..^1]))
            throw new ArgumentException($"Expected ({string.Join(", ", (long[])[.. x.shape[..^1], HiddenFeatures])}), got "
                + $"({string.Join(", ", hidden.shape)})", nameof(hidden));
        return Step(x, hidden);
    }

    /// <summary>All steps of a sequence.</summary>
    /// <param name="x">(time, …, in)</param>
    /// <param name="hidden">(…, hidden) before the first step; null: zeros.</param>
    /// <returns>(time, …, hidden).</returns>
    /// <exception cref="ArgumentException">An axis doesn't fit, or there is no step.</exception>
    public Tensor Sequence(Tensor x, Tensor? hidden = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        CheckInput(x);
        if (x.dim() < 2 || x.shape[0] == 0)
            throw new ArgumentException($"Expected (time ≥ 1, …, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        var h = hidden ?? zeros([.. x.shape[1..^1], HiddenFeatures], x.dtype, x.device);
        var outputs = new List<Tensor>();
        foreach (var step in x.unbind(0)) outputs.Add(h = forward(step, h));
        return stack(outputs).MoveToOuterDisposeScope();
    }

    private protected abstract Module<Tensor, Tensor> Unit { get; }

    private Tensor Step(Tensor x, Tensor hidden)
    {
        using var joined = cat([x, hidden], -1);
        return Unit.call(joined);
    }

    private void CheckInput(Tensor x)
    {
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }
}
