using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// What a method does with a batch: the seam between the one training loop and the many ways to train. A step owns its optimizers (one,
/// several or none) and any modules beside the trainer's model; the <see cref="StepContext"/> does what all steps need.
/// </summary>
public abstract class TrainingStep
{
    /// <summary>Modules that this step trains beside the trainer's model (a GAN's discriminator, a target network), by name; they move
    /// with the model and are saved in its checkpoints.</summary>
    public virtual IReadOnlyDictionary<string, nn.Module> Modules { get; } = new Dictionary<string, nn.Module>();

    /// <summary>Makes the optimizers, once, when the model is on its device. By default one, over all that the model and <see cref="Modules"/>
    /// train; an empty list for methods without an optimizer.</summary>
    /// <param name="model">The trainer's model.</param>
    /// <param name="make">The trainer's recipe for an optimizer.</param>
    public virtual IReadOnlyList<optim.Optimizer> CreateOptimizers(nn.Module model, Func<IEnumerable<Parameter>, optim.Optimizer> make) =>
        [make([.. model.parameters(), .. Modules.Values.SelectMany(m => m.parameters())])];

    /// <summary>Trains on a batch. It runs inside a dispose scope of its own: tensors made here end with it.</summary>
    public abstract void Run(Batch batch, StepContext context);

    /// <summary>Measures on a batch without training, by <see cref="StepContext.Log(string, Tensor)"/>. The model is in evaluation mode and
    /// gradients are off. By default it measures nothing.</summary>
    public virtual void Evaluate(Batch batch, StepContext context) { }

    /// <summary>Whether <see cref="Evaluate"/> differentiates. Where it doesn't, tensors are made without what autograd needs, which is
    /// faster (<c>inference_mode</c>).</summary>
    public virtual bool EvaluationDifferentiates => false;

    /// <summary>What else a run needs to go on where it stopped (a replay buffer's place, a dual variable); null: nothing.</summary>
    public virtual PyDict? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave.</summary>
    public virtual void LoadState(PyDict state) { }
}

/// <summary>A step for one type of batch.</summary>
/// <typeparam name="TBatch">The type of batch.</typeparam>
public abstract class TrainingStep<TBatch> : TrainingStep where TBatch : Batch
{
    /// <inheritdoc/>
    public sealed override void Run(Batch batch, StepContext context) => Run(Typed(batch), context);

    /// <inheritdoc/>
    public sealed override void Evaluate(Batch batch, StepContext context) => Evaluate(Typed(batch), context);

    /// <inheritdoc cref="TrainingStep.Run(Batch, StepContext)"/>
    protected abstract void Run(TBatch batch, StepContext context);

    /// <inheritdoc cref="TrainingStep.Evaluate(Batch, StepContext)"/>
    protected virtual void Evaluate(TBatch batch, StepContext context) { }

    private TBatch Typed(Batch batch) => batch as TBatch
        ?? throw new ArgumentException($"{GetType().Name} trains on {typeof(TBatch).Name}, the dataset gives {batch.GetType().Name}", nameof(batch));
}
