using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>
/// Sparse training that finds its pattern: from time to time each sparse layer drops its smallest weights and stores as many others instead,
/// those whose gradient is largest (RigL: Evci et al. 2020, arXiv 1911.11134). The dense gradient is computed at these steps alone.
/// </summary>
/// <remarks>A weight that is dropped and has one of the largest gradients stays as it is; others begin at zero.</remarks>
/// <param name="every">Steps from one change to the next, ≥ 2.</param>
/// <param name="fraction">α, the share of the weights that is dropped at first, in (0, 1]; it falls like a cosine.</param>
/// <param name="until">The share of the run after which the pattern stays, in (0, 1].</param>
public sealed class RigL(int every = 100, double fraction = 0.3, double until = 0.75) : SparseTraining
{
    private readonly int _every = every >= 2 ? every : throw new ArgumentOutOfRangeException(nameof(every), every, "must be at least 2");

    private readonly double _fraction = Share(fraction, nameof(fraction)), _until = Share(until, nameof(until));

    /// <inheritdoc/>
    public override void OnStart(Trainer trainer, long firstStep)
    {
        base.OnStart(trainer, firstStep);
        Watch(trainer, firstStep);
    }

    /// <inheritdoc/>
    public override void OnStep(Trainer trainer, StepReport report)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        var end = _until * report.TotalSteps;
        if (IsDue(report.Step) && report.Step < end)
        {
            using var off = no_grad();
            var share = _fraction / 2 * (1 + Math.Cos(Math.PI * report.Step / end));
            foreach (var layer in Layers(trainer)) Change(layer, share);
        }
        Watch(trainer, report.Step + 1);
    }

    /// <inheritdoc/>
    public override void OnEnd(Trainer trainer) => Layers(trainer).ForEach(l => l.KeepsDenseGradient = false);

    private static double Share(double value, string name) =>
        value is > 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "must be in (0, 1]");

    private bool IsDue(long step) => step > 0 && step % _every == 0;

    private void Watch(Trainer trainer, long step) => Layers(trainer).ForEach(l => l.KeepsDenseGradient = IsDue(step));

    private void Change(SparseLayer layer, double share)
    {
        if (layer.DenseGradient is not { } gradient) return;
        using var scope = NewDisposeScope();
        var change = (long)Math.Round(share * layer.NonZeroCount);
        var stays = layer.StoredIndices().masked_select(SparsityMask.Largest(layer.StoredWeight, layer.NonZeroCount - change).cpu());
        // Those that stay are no candidates: every gradient is larger than −1 in magnitude.
        var candidates = gradient.detach().abs().reshape(-1).cpu().index_fill(0, stays, -1);
        var grown = candidates.topk((int)change, 0).indexes;
        var mask = zeros(layer.DenseCount, ScalarType.Bool).index_fill_(0, stays, true).index_fill_(0, grown, true);
        using var before = layer.ApplyMask(mask.reshape([.. layer.DenseShape]));
        Optimizer.Rearrange(layer.StoredWeight, before);
    }
}
