using static TorchSharp.torch;

namespace TorchZoo.Data.Arithmetic;

/// <summary>Fresh examples of an <see cref="ArithmeticTask"/> in every batch, of a size as the trainer asks for.</summary>
/// <param name="task">The task.</param>
/// <param name="range">Where the numbers are drawn from.</param>
/// <param name="members">Models that learn side by side, each from examples of its own: batches are then (members, size, n) and
/// (members, size, 1); null: one model, (size, n) and (size, 1).</param>
public sealed class ArithmeticStream(ArithmeticTask task, SampleRange range, long? members = null) : IStreamingDataset
{
    /// <inheritdoc/>
    public IEnumerable<Batch> Batches(StreamPosition position)
    {
        var seed = Seed.Derive(Seed.Derive(position.Seed, (ulong)position.Epoch), (ulong)position.Rank);
        for (var i = position.FirstBatch; ; i++)
        {
            using var generator = new Generator(Seed.Derive(seed, (ulong)i));
            yield return members is { } m
                ? task.Sample(range, generator, m, position.BatchSize) : task.Sample(range, generator, position.BatchSize);
        }
    }
}
