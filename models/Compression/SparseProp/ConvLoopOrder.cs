namespace TorchZoo.Models.Compression;

/// <summary>What the vectors of a sparse convolution go over.</summary>
public enum ConvLoopOrder
{
    /// <summary>Samples where there are many or images are small, otherwise positions.</summary>
    Auto,

    /// <summary>Samples: for batches of small images.</summary>
    OverBatch,

    /// <summary>Positions of one sample: for few, large images.</summary>
    OverPositions,
}
