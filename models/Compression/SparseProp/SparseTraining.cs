using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>Changes what sparse layers store while a <see cref="Trainer"/> runs; momentum goes along.</summary>
public abstract class SparseTraining : TrainerCallback
{
    private FusedOptimizer? _optimizer;

    /// <summary>The optimizer of the last update.</summary>
    private protected FusedOptimizer Optimizer => _optimizer ?? throw new InvalidOperationException("nothing was updated yet");

    /// <inheritdoc/>
    public override void OnStart(Trainer trainer, long firstStep)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        if (trainer.Options.AverageDecay is not null) throw new NotSupportedException("averaged weights can't follow weights that come and go");
    }

    /// <inheritdoc/>
    public override void OnGradients(Trainer trainer, StepContext context, optim.Optimizer optimizer) => _optimizer = optimizer as FusedOptimizer
        ?? throw new NotSupportedException(
            $"{optimizer?.GetType().Name} can't be told that weights come and go; take {nameof(FusedSgd)} or {nameof(FusedAdam)}");

    private protected static List<SparseLayer> Layers(Trainer trainer) =>
        [.. PrunableLayers.Of(trainer.Model).Select(l => l.Layer).OfType<SparseLayer>()];
}
