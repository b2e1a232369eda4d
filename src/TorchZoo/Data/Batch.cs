using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Some examples that go through a training step together: a record whose tensors have the examples along their first axis. A task that
/// needs other tensors than <see cref="Pairs"/> derives its own record.
/// </summary>
public abstract record Batch : IDisposable
{
    /// <summary>Number of examples; averages over batches weigh with it.</summary>
    public abstract long Count { get; }

    /// <summary>The same batch on a device; the same object if it is there.</summary>
    public abstract Batch To(Device device);

    /// <summary>Disposes of the batch's tensors.</summary>
    public abstract void Dispose();
}

/// <summary>Inputs and what the model should make of them.</summary>
/// <param name="Input">(batch, …)</param>
/// <param name="Target">(batch, …)</param>
public sealed record Pairs(Tensor Input, Tensor Target) : Batch
{
    /// <inheritdoc/>
    public override long Count => Input.shape[0];

    /// <inheritdoc/>
    public override Batch To(Device device) => Input.device == device && Target.device == device ? this : new Pairs(Input.to(device), Target.to(device));

    /// <inheritdoc/>
    public override void Dispose()
    {
        Input.Dispose();
        Target.Dispose();
    }
}
