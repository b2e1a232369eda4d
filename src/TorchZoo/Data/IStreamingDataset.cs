namespace TorchZoo.Data;

/// <summary>Batches in an order of their own, for data that are made as they are needed or can't be taken by number.</summary>
public interface IStreamingDataset
{
    /// <summary>The batches from a position on, at least as many as are asked for in an epoch. The same position gives the same batches:
    /// so runs can be resumed. The caller disposes of each batch; what else lives longer than a batch must not belong to the caller's dispose
    /// scope (<c>DetachFromDisposeScope</c>).</summary>
    IEnumerable<Batch> Batches(StreamPosition position);
}

/// <summary>Where in a stream to begin, and for whom.</summary>
/// <param name="Epoch">Number of the epoch, from 0.</param>
/// <param name="FirstBatch">Number of the first batch wanted in this epoch, from 0.</param>
/// <param name="BatchSize">Examples in a batch of this process.</param>
/// <param name="Seed">Seed of whatever is random.</param>
/// <param name="Rank">Number of this process among <paramref name="Ranks"/>, from 0: each sees other examples.</param>
/// <param name="Ranks">How many processes there are.</param>
public readonly record struct StreamPosition(int Epoch, long FirstBatch, int BatchSize, ulong Seed, int Rank = 0, int Ranks = 1);
