using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Which examples form which batch of an epoch. It is a function of seed and epoch alone, so that a run that stopped in the middle of an
/// epoch goes on with the batches that it would have seen.
/// </summary>
/// <param name="Count">Number of examples.</param>
/// <param name="BatchSize">Examples in a batch; the last may have fewer.</param>
/// <param name="Shuffle">Whether each epoch has an order of its own; else the order of the dataset.</param>
/// <param name="DropLast">Leaves out a last batch that is not full.</param>
/// <param name="Seed">Seed of the orders.</param>
public sealed record BatchOrder(long Count, int BatchSize, bool Shuffle, bool DropLast, ulong Seed)
{
    /// <summary>Batches in an epoch.</summary>
    public long Batches => DropLast ? Count / BatchSize : (Count + BatchSize - 1) / BatchSize;

    /// <summary>The numbers of the examples of each batch of an epoch, from batch <paramref name="first"/> on; each tensor is disposed of
    /// when the next is asked for.</summary>
    public IEnumerable<Tensor> Epoch(int epoch, long first = 0)
    {
        using var order = Order(epoch);
        for (var i = first; i < Batches; i++)
        {
            using var batch = order.slice(0, i * BatchSize, Math.Min(Count, (i + 1) * BatchSize), 1).DetachFromDisposeScope();
            yield return batch;
        }
    }

    private Tensor Order(int epoch)
    {
        if (!Shuffle) return arange(Count).DetachFromDisposeScope();
        // Neighbouring seeds of one generator are not independent streams by contract: spread them (SplitMix64's finaliser).
        var z = Seed + ((ulong)epoch + 1) * 0x9E3779B97F4A7C15ul;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
        using var generator = new Generator(z ^ (z >> 31));
        return randperm(Count, generator: generator).DetachFromDisposeScope();
    }
}
