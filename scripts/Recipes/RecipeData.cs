using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Where recipes get generated data: the file given with <c>--data</c>, the cache of an earlier run, or the generator.</summary>
internal static class RecipeData
{
    private const string Folder = "data";

    /// <summary>Named tensors, cases along the first axis.</summary>
    /// <param name="context">The run.</param>
    /// <param name="generator">Makes the data.</param>
    /// <param name="samples">Cases.</param>
    /// <param name="names">Tensors that the run needs, with that many cases each.</param>
    /// <exception cref="ArgumentException">The file given with <c>--data</c> lacks a tensor or cases.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(RecipeContext context, IDataGenerator generator, long samples, params string[] names)
    {
        var set = context.Data is { } path
            ? SafetensorsFile.Load(path)
            : GeneratedData.GetOrCreate(Folder, generator, samples, unchecked((long)context.Seed), context.Progress, context.Cancellation);
        foreach (var name in names)
        {
            if (!set.TryGetValue(name, out var tensor))
                throw new ArgumentException($"{context.Data}: expected a tensor '{name}'; the file has {string.Join(", ", set.Keys)}", "--data");
            if (tensor.shape[0] < samples) throw new ArgumentException($"{context.Data}: '{name}' has {tensor.shape[0]} cases, the run needs {samples}", "--data");
        }
        return set;
    }
}
