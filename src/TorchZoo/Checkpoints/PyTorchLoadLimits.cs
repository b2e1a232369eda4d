namespace TorchZoo.Checkpoints;

/// <summary>
/// What a file may ask for. The defaults let the checkpoint of a large model pass: what grows with a model is bounded by the size of the
/// file, so that a small file cannot become a large object.
/// </summary>
public sealed record PyTorchLoadLimits
{
    /// <summary>The defaults.</summary>
    public static PyTorchLoadLimits Default { get; } = new();

    /// <summary>Containers within containers.</summary>
    public int MaxDepth { get; init; } = 1000;

    /// <summary>
    /// Values that a pickle makes, beside one for each byte of the file. What costs more counts more: a tensor, or the copy of a list.
    /// </summary>
    public long MaxObjects { get; init; } = 1_000_000;

    /// <summary>Values that a walk through the tree meets: one that is in several places counts each time.</summary>
    public long MaxVisits { get; init; } = 10_000_000;

    /// <summary>Bytes of a string or of bytes.</summary>
    public long MaxString { get; init; } = 256L << 20;

    /// <summary>Bytes of an integer.</summary>
    public int MaxInteger { get; init; } = 16 << 10;

    /// <summary>Bytes of a pickle, and of a zip's directory.</summary>
    public long MaxPickle { get; init; } = 1L << 30;

    /// <summary>
    /// How many times larger than the file its contents may be, in all, where entries are compressed (beyond
    /// <see cref="FreeDecompression"/>) or where tensors show elements more than once (beyond <see cref="FreeExpansion"/>).
    /// </summary>
    public double MaxExpansionRatio { get; init; } = 100;

    /// <summary>Bytes of decompressed entries that any file may have.</summary>
    public long FreeDecompression { get; init; } = 16L << 20;

    /// <summary>Bytes that the tensors of any file may show; expanded and overlapping views show more than their storages have.</summary>
    public long FreeExpansion { get; init; } = 64L << 20;
}
