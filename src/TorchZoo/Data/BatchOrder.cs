using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Which examples form which batch of an epoch. It is a function of seed, epoch and rank alone, so that a run that stopped in the middle of an
/// epoch goes on with the batches that it would have seen, and ranks share out the same order without talking to each other.
/// </summary>
/// <param name="Count">Number of examples.</param>
/// <param name="BatchSize">Examples in a batch, of all ranks together; the last may have fewer.</param>
/// <param name="Shuffle">Whether each epoch has an order of its own; else the order of the dataset.</param>
/// <param name="DropLast">Leaves out a last batch that is not full.</param>
/// <param name="Seed">Seed of the orders.</param>
public sealed record BatchOrder(long Count, int BatchSize, bool Shuffle, bool DropLast, ulong Seed)
{
    /// <summary>Number of this process among <see cref="Ranks"/>, from 0. It takes every so many-th example of each batch.</summary>
    public int Rank { get; init; }

    /// <summary>How many processes share each batch. All together see the batches that one alone would see.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>Batches in an epoch.</summary>
    public long Batches => DropLast ? Count / BatchSize : (Count + BatchSize - 1) / BatchSize;

    /// <summary>How many examples of a batch are this rank's, and how many it has.</summary>
    public (long Own, long All) SharesOf(long batch)
    {
        var all = Math.Min(BatchSize, Count - batch * BatchSize);
        return ((all - Rank + Ranks - 1) / Ranks, all);
    }

    /// <summary>The numbers of the examples of each batch of an epoch, from batch <paramref name="first"/> on; each tensor is disposed of
    /// when the next is asked for. Where a batch has fewer examples than there are ranks, those who would have none get its first one: there
    /// is no batch without examples. By <see cref="SharesOf"/> they know that it isn't theirs.</summary>
    public IEnumerable<Tensor> Epoch(int epoch, long first = 0)
    {
        using var order = Order(epoch);
        for (var i = first; i < Batches; i++)
        {
            var (start, end) = (i * BatchSize, Math.Min(Count, (i + 1) * BatchSize));
            using var all = order.slice(0, start, end, 1).DetachFromDisposeScope();
            var (mine, last) = Rank < end - start ? (Rank, end - start) : (0, 1);
            using var batch = (Ranks == 1 ? all.alias() : all.slice(0, mine, last, Ranks).contiguous()).DetachFromDisposeScope();
            yield return batch;
        }
    }

    private Tensor Order(int epoch)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(TorchZoo.Seed.Derive(Seed, (ulong)epoch));
        var order = Shuffle ? randperm(Count, generator: generator) : arange(Count);
        return order.DetachFromDisposeScope();
    }
}
