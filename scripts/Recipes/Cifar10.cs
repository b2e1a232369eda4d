using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The 60 000 small photographs of CIFAR-10, from the folder of its binary version: <c>data_batch_1.bin</c> …
/// <c>data_batch_5.bin</c> and
/// <c>test_batch.bin</c>, each of 10 000 records of a class's number and 3×32×32 bytes.</summary>
internal static class Cifar10
{
    private const int Records = 10_000, Side = 32, Bytes = 1 + 3 * Side * Side, Classes = 10;

    /// <summary>Reads it: (n, 3, 32, 32) in [0, 1].</summary>
    /// <param name="folder">Where the files are.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ArgumentException">A file isn't there.</exception>
    /// <exception cref="InvalidDataException">A file is of another size, or has an unknown class.</exception>
    public static (PairDataset Train, PairDataset Test) Load(string folder, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var train = Enumerable.Range(1, 5).Select(i => Read($"data_batch_{i}.bin")).ToList();
        var test = Read("test_batch.bin");
        var (images, labels) = (cat([.. train.Select(t => t.Images)]), cat([.. train.Select(t => t.Labels)]));
        scope.MoveToOuter(images, labels, test.Images, test.Labels);
        return (new PairDataset(images, labels), new PairDataset(test.Images, test.Labels));

        (Tensor Images, Tensor Labels) Read(string name)
        {
            cancellation.ThrowIfCancellationRequested();
            var path = Path.Combine(folder, name);
            if (!File.Exists(path))
                throw new ArgumentException($"{folder} has no {name}; CIFAR-10's binary version was expected", "--data");
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length != Records * Bytes)
                throw new InvalidDataException($"{path}: expected {Records * Bytes} bytes, got {bytes.Length}");
            var records = tensor(bytes, [Records, Bytes]);
            var labels = records[.., 0].to(ScalarType.Int64);
            if (labels.max().item<long>() >= Classes) throw new InvalidDataException($"{path}: a class above {Classes - 1}");
            return (records[.., 1..].reshape(Records, 3, Side, Side).to(ScalarType.Float32) / 255, labels);
        }
    }
}
