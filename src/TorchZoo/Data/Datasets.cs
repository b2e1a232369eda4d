using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>Datasets made of functions and of other datasets.</summary>
public static class Datasets
{
    /// <summary>Examples that are made, or read, one by one and stacked to batches, e.g. a folder of images.</summary>
    /// <param name="count">Number of examples.</param>
    /// <param name="load">An example's tensors by its number; each must always have the same shape.</param>
    /// <param name="batch">The batch of the stacked tensors.</param>
    /// <remarks>Reading takes time: <see cref="Training.TrainerOptions.Prefetch"/> does it on another thread.</remarks>
    /// <exception cref="ArgumentException">Later, where examples can't be stacked.</exception>
    public static IDataset FromExamples(long count, Func<long, IReadOnlyList<Tensor>> load, Func<IReadOnlyList<Tensor>, Batch> batch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(load);
        ArgumentNullException.ThrowIfNull(batch);
        return new Examples(count, load, batch);
    }

    /// <summary>Batches of a dataset changed on their way, e.g. augmented.</summary>
    /// <param name="data">The dataset.</param>
    /// <param name="change">From a batch to another of as many examples, in the caller's dispose scope.</param>
    public static IDataset Select(this IDataset data, Func<Batch, Batch> change)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(change);
        return new Changed(data, change);
    }

    /// <summary>Some of a dataset's examples.</summary>
    /// <param name="data">The dataset.</param>
    /// <param name="numbers">Their numbers; they may repeat.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such number.</exception>
    public static IDataset Subset(this IDataset data, IEnumerable<long> numbers)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(numbers);
        long[] chosen = [.. numbers];
        foreach (var number in chosen)
            if (number < 0 || number >= data.Count)
                throw new ArgumentOutOfRangeException(nameof(numbers), number, $"the dataset has the numbers 0 to {data.Count - 1}");
        return new Chosen(data, chosen);
    }

    /// <summary>A dataset in two disjoint parts, at random.</summary>
    /// <param name="data">The dataset.</param>
    /// <param name="share">Of the first part, in [0, 1].</param>
    /// <param name="seed">The same seed gives the same parts.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is out of its range.</exception>
    public static (IDataset First, IDataset Second) Split(this IDataset data, double share, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(share is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "must be in [0, 1]");
        using var generator = new Generator(seed);
        using var order = randperm(data.Count, generator: generator);
        var numbers = order.data<long>().ToArray();
        var first = (int)Math.Round(share * data.Count);
        return (new Chosen(data, numbers[..first]), new Chosen(data, numbers[first..]));
    }

    private sealed class Examples(long count, Func<long, IReadOnlyList<Tensor>> load, Func<IReadOnlyList<Tensor>, Batch> batch) : IDataset
    {
        public long Count => count;

        public Batch Take(Tensor indices)
        {
            using var scope = NewDisposeScope();
            var examples = indices.data<long>().ToArray().Select(load).ToList();
            if (examples.Count == 0) throw new ArgumentException("a batch needs an example", nameof(indices));
            Tensor[] stacked = [.. Enumerable.Range(0, examples[0].Count).Select(i => Stack([.. examples.Select(e => e[i])]))];
            foreach (var tensor in stacked) tensor.MoveToOuterDisposeScope();
            return batch(stacked);
        }

        private static Tensor Stack(Tensor[] tensors)
        {
            var shape = tensors[0].shape;
            foreach (var tensor in tensors)
                if (!tensor.shape.AsSpan().SequenceEqual(shape))
                    throw new ArgumentException(
                        $"Expected examples of one shape, got ({string.Join(", ", shape)}) and ({string.Join(", ", tensor.shape)})", nameof(tensors));
            return stack(tensors);
        }
    }

    private sealed class Changed(IDataset data, Func<Batch, Batch> change) : IDataset
    {
        public long Count => data.Count;

        public Batch Take(Tensor indices) => change(data.Take(indices));
    }

    private sealed class Chosen(IDataset data, long[] numbers) : IDataset
    {
        public long Count => numbers.Length;

        public Batch Take(Tensor indices)
        {
            using var mapped = tensor(Array.ConvertAll(indices.data<long>().ToArray(), i => numbers[i]), ScalarType.Int64);
            return data.Take(mapped);
        }
    }
}
