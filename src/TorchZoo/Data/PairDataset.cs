using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>Inputs and targets held in memory as two tensors.</summary>
public sealed class PairDataset : IDataset
{
    /// <summary>Makes the dataset; it keeps the tensors, which stay the caller's to dispose of.</summary>
    /// <param name="inputs">(examples, …)</param>
    /// <param name="targets">(examples, …)</param>
    /// <exception cref="ArgumentException">The numbers of examples differ.</exception>
    public PairDataset(Tensor inputs, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        if (inputs.dim() == 0 || targets.dim() == 0 || inputs.shape[0] != targets.shape[0])
            throw new ArgumentException($"inputs {Shape(inputs)} and targets {Shape(targets)} must have the same number of examples along axis 0", nameof(targets));
        (Inputs, Targets) = (inputs, targets);
    }

    /// <summary>(examples, …)</summary>
    public Tensor Inputs { get; }

    /// <summary>(examples, …)</summary>
    public Tensor Targets { get; }

    /// <inheritdoc/>
    public long Count => Inputs.shape[0];

    /// <inheritdoc/>
    public Batch Take(Tensor indices)
    {
        using var there = indices.to(Inputs.device);
        return new Pairs(Inputs.index_select(0, there), Targets.index_select(0, there));
    }

    private static string Shape(Tensor tensor) => $"({string.Join(", ", tensor.shape)})";
}
