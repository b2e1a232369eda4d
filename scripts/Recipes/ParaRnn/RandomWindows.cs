using TorchZoo.Data;
using TorchZoo.Data.Text;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Pieces of a text from anywhere, as many as are asked for.</summary>
internal sealed class RandomWindows(TokenWindows windows) : IStreamingDataset
{
    public IEnumerable<Batch> Batches(StreamPosition position)
    {
        for (var batch = position.FirstBatch; ; batch++)
        {
            // A source of its own for each batch of each rank: a run that goes on in the middle sees what it would have seen.
            using var generator = new Generator(position.Seed + (ulong)position.Rank * 0xD1B54A32D192ED03
                + unchecked((ulong)(position.Epoch * 1_000_003L + batch) * 0x9E3779B97F4A7C15));
            using var at = randint(windows.Count, [position.BatchSize], ScalarType.Int64, generator: generator);
            yield return windows.Take(at);
        }
    }
}
