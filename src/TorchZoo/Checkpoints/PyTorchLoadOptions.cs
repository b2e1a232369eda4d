using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>How a checkpoint is read.</summary>
public sealed record PyTorchLoadOptions
{
    /// <summary>The defaults.</summary>
    public static PyTorchLoadOptions Default { get; } = new();

    /// <summary>Where the tensors go, wherever they were saved; null: the CPU.</summary>
    public Device? Device { get; init; }

    /// <summary>
    /// Maps the tensors' data into memory instead of reading it, where that is possible (CPU, not compressed): the file is opened in an
    /// instant and its pages are read when they are used. Checksums of the data are then not verified; what is written to the tensors
    /// stays in memory; the file must not change or shrink while a tensor is in use.
    /// </summary>
    public bool MemoryMap { get; init; }

    /// <summary>Limits.</summary>
    public PyTorchLoadLimits Limits { get; init; } = PyTorchLoadLimits.Default;
}
