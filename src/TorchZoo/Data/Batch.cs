using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Some examples that go through a training step together: a record whose tensors have the examples along their first axis. A task that
/// needs other tensors than <see cref="Pairs"/> derives its own record.
/// </summary>
public abstract record Batch : IDisposable
{
    /// <summary>The tensors, always in the same order.</summary>
    public abstract IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>Number of examples; averages over batches weigh with it. By default the length of the first tensor.</summary>
    public virtual long Count => Tensors[0].shape[0];

    /// <summary>The same kind of batch of other tensors.</summary>
    /// <param name="tensors">In the order of <see cref="Tensors"/>.</param>
    public abstract Batch With(IReadOnlyList<Tensor> tensors);

    /// <summary>The same batch on a device; the same object if it is there. Copies to a GPU go through pinned memory, and what follows on the
    /// GPU waits for them, not the caller.</summary>
    public Batch To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var tensors = Tensors;
        if (tensors.All(t => IsOn(t, device))) return this;
        if (device.type != DeviceType.CUDA) return With([.. tensors.Select(t => t.to(device))]);
        return With([.. tensors.Select(t =>
        {
            if (t.device_type != DeviceType.CPU) return t.to(device);
            using var pinned = t.pin_memory();
            return pinned.to(device, non_blocking: true);
        })]);
    }

    // A device without a number is any of its kind.
    private static bool IsOn(Tensor tensor, Device device) => tensor.device_type == device.type
        && (device.type == DeviceType.CPU || device.index < 0 || tensor.device_index == device.index);

    /// <summary>Disposes of the batch's tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in Tensors) tensor.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Inputs and what the model should make of them.</summary>
/// <param name="Input">(batch, …)</param>
/// <param name="Target">(batch, …)</param>
public sealed record Pairs(Tensor Input, Tensor Target) : Batch
{
    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Tensors => [Input, Target];

    /// <inheritdoc/>
    public override Batch With(IReadOnlyList<Tensor> tensors) => new Pairs(tensors[0], tensors[1]);
}
