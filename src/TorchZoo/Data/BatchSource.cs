using TorchZoo.Distributed;

namespace TorchZoo.Data;

/// <summary>The batches of a training, wherever they come from.</summary>
/// <param name="batches">Batches in an epoch.</param>
/// <param name="examples">Number of examples; 0 where nobody knows it.</param>
/// <param name="epoch">The batches of an epoch, from one on.</param>
/// <param name="shares">How many examples of a batch are this rank's, and how many it has; null: nobody knows before it is there.</param>
internal sealed class BatchSource(long batches, long examples, Func<int, long, IEnumerable<Batch>> epoch,
    Func<long, (long Own, long All)>? shares)
{
    public long Batches => batches;

    public long Examples => examples;

    /// <summary>The batches of an epoch from one on, each belonging to the dispose scope in which it is asked for.</summary>
    public IEnumerable<Batch> Epoch(int number, long first) => epoch(number, first);

    /// <summary>How many examples of a batch are this rank's, and how many it has.</summary>
    /// <param name="number">Number of the batch in its epoch.</param>
    /// <param name="batch">This rank's share.</param>
    /// <param name="group">The ranks.</param>
    public (long Own, long All) SharesOf(long number, Batch batch, ProcessGroup group)
    {
        if (group.Size == 1) return (batch.Count, batch.Count);
        if (shares is not null) return shares(number);
        Span<double> count = [batch.Count];
        group.AllReduce(count);
        return (batch.Count, (long)count[0]);
    }

    public static BatchSource Of(IDataset data, BatchOrder order) =>
        new(order.Batches, data.Count, (epoch, first) => Taken(data, order, epoch, first), order.SharesOf);

    public static BatchSource Of(IStreamingDataset data, long batches, int batchSize, ulong seed, ProcessGroup group)
    {
        var share = batchSize / group.Size + (group.Rank < batchSize % group.Size ? 1 : 0);
        return new(batches, 0, (epoch, first) => data.Batches(new StreamPosition(epoch, first, share, seed, group.Rank, group.Size))
            .Take((int)Math.Min(batches - first, int.MaxValue)), shares: null);
    }

    private static IEnumerable<Batch> Taken(IDataset data, BatchOrder order, int epoch, long first)
    {
        foreach (var indices in order.Epoch(epoch, first)) yield return data.Take(indices);
    }
}
