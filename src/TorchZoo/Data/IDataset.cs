using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>Examples that can be taken by number.</summary>
public interface IDataset
{
    /// <summary>Number of examples.</summary>
    long Count { get; }

    /// <summary>A batch of the examples with these numbers, in this order. The caller disposes of it (or its dispose scope does).</summary>
    /// <param name="indices">int64, one-dimensional, on the CPU.</param>
    Batch Take(Tensor indices);
}
