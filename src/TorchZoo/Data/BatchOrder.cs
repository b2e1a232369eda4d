using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Which examples form which batch of an epoch. It is a function of seed, epoch and rank alone, so that a run that stopped in the middle of an
/// epoch goes on with the batches that it would have seen, and ranks share out the same order without talking to each other.
/// </summary>
/// <param name="Count">Number of examples.</param>
/// <param name="BatchSize">Examples in a batch of one rank; the last may have fewer.</param>
/// <param name="Shuffle">Whether each epoch has an order of its own; else the order of the dataset.</param>
/// <param name="DropLast">Leaves out a last batch that is not full.</param>
/// <param name="Seed">Seed of the orders.</param>
public sealed record BatchOrder(long Count, int BatchSize, bool Shuffle, bool DropLast, ulong Seed)
{
    /// <summary>Number of this process among <see cref="Ranks"/>, from 0. It takes every so many-th example of the order.</summary>
    public int Rank { get; init; }

    /// <summary>How many processes share the examples. All get as many: where the number doesn't go round, the order begins anew.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>Batches in an epoch, of one rank.</summary>
    public long Batches => DropLast ? Share / BatchSize : (Share + BatchSize - 1) / BatchSize;

    // Examples of one rank.
    private long Share => (Count + Ranks - 1) / Ranks;

    /// <summary>The numbers of the examples of each batch of an epoch, from batch <paramref name="first"/> on; each tensor is disposed of
    /// when the next is asked for.</summary>
    public IEnumerable<Tensor> Epoch(int epoch, long first = 0)
    {
        using var order = Order(epoch);
        for (var i = first; i < Batches; i++)
        {
            using var batch = order.slice(0, i * BatchSize, Math.Min(Share, (i + 1) * BatchSize), 1).DetachFromDisposeScope();
            yield return batch;
        }
    }

    private Tensor Order(int epoch)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(TorchZoo.Seed.Derive(Seed, (ulong)epoch));
        var order = Shuffle ? randperm(Count, generator: generator) : arange(Count);
        if (Ranks > 1) order = order.index_select(0, arange(Share).mul(Ranks).add(Rank).remainder(Count));
        return order.DetachFromDisposeScope();
    }
}
