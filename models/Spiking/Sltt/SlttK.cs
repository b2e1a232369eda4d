using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// <see cref="Sltt"/> with backward passes of K time steps alone, drawn at random for each batch: its time hardly grows with the number of
/// steps either (SLTT, section 4.3).
/// </summary>
public sealed class SlttK : SpikingTraining
{
    private readonly int _k;

    /// <summary>The rule.</summary>
    /// <param name="k">K, the steps with a backward pass.</param>
    /// <exception cref="ArgumentException">Below 1.</exception>
    public SlttK(int k)
    {
        if (k < 1) throw new ArgumentOutOfRangeException(nameof(k), k, "expected at least one step");
        _k = k;
    }

    /// <summary>Whether losses are multiplied by T/K, which makes the gradient SLTT's on average; as published it is K/T of that.</summary>
    public bool Rescale { get; init; }

    /// <summary>Which steps have a backward pass, of so many; null: K of them, drawn by libtorch's generator.</summary>
    public Func<int, IReadOnlyCollection<int>>? Choose { get; init; }

    /// <inheritdoc/>
    protected override TemporalGradient Temporal => TemporalGradient.Detached;

    private protected override (Tensor Total, Tensor Loss) Run(nn.Module network, Frames frames, Tensor labels, Action<Tensor> backward)
    {
        if (_k > frames.Count) throw new ArgumentException($"expected at least K = {_k} time steps, got {frames.Count}", nameof(frames));
        var chosen = (Choose?.Invoke(frames.Count) ?? Draw(frames.Count)).ToHashSet();
        return StepByStep(network, frames, labels, chosen.Contains, 1.0 / (Rescale ? chosen.Count : frames.Count), backward);
    }

    private IReadOnlyCollection<int> Draw(int steps)
    {
        using var order = randperm(steps, ScalarType.Int64);
        return [.. order.data<long>().ToArray().Take(_k).Select(t => (int)t)];
    }
}
