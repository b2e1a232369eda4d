namespace TorchZoo.Data;

/// <summary>The batches of a training, wherever they come from.</summary>
/// <param name="batches">Batches in an epoch.</param>
/// <param name="examples">Number of examples; 0 where nobody knows it.</param>
/// <param name="epoch">The batches of an epoch, from one on.</param>
internal sealed class BatchSource(long batches, long examples, Func<int, long, IEnumerable<Batch>> epoch)
{
    public long Batches => batches;

    public long Examples => examples;

    /// <summary>The batches of an epoch from one on, each belonging to the dispose scope in which it is asked for.</summary>
    public IEnumerable<Batch> Epoch(int number, long first) => epoch(number, first);

    public static BatchSource Of(IDataset data, BatchOrder order) => new(order.Batches, data.Count, (epoch, first) => Taken(data, order, epoch, first));

    public static BatchSource Of(IStreamingDataset data, long batches, int batchSize, ulong seed) => new(batches, 0,
        (epoch, first) => data.Batches(new StreamPosition(epoch, first, batchSize, seed)).Take((int)Math.Min(batches - first, int.MaxValue)));

    private static IEnumerable<Batch> Taken(IDataset data, BatchOrder order, int epoch, long first)
    {
        foreach (var indices in order.Epoch(epoch, first)) yield return data.Take(indices);
    }
}
