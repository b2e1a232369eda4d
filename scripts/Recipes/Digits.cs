using System.Globalization;
using System.IO.Compression;
using TorchZoo.Data.Images;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// The 1797 handwritten digits that come with the recipes: 8×8 grey pixels of 17 levels. The file has them in the order of their writers;
/// here they are shuffled once, always in the same way, so that both parts have all writers and classes.
/// </summary>
internal static class Digits
{
    private const string File = "data/digits.csv.gz";
    private const int Count = 1797, Side = 8, Levels = 16;

    /// <summary>The ten classes' names.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
        [.. Enumerable.Range(0, 10).Select(i => i.ToString(CultureInfo.InvariantCulture))];

    /// <summary>Reads the digits.</summary>
    /// <param name="options">What to take; null: all, as (n, 1, 8, 8) in [0, 1].</param>
    /// <param name="test">Digits in the test part; the other part has the rest.</param>
    /// <exception cref="ArgumentException">There are fewer digits than asked for.</exception>
    public static LabelledImages Load(ImageOptions? options = null, int test = 397)
    {
        if (test is < 1 or >= Count)
            throw new ArgumentOutOfRangeException(nameof(test), test, $"Expected 1 to {Count - 1} digits to test with");
        var (pixels, labels) = Read();
        using var scope = NewDisposeScope();
        using var generator = new Generator(0);
        var order = randperm(Count, generator: generator);
        var (images, classes) = (tensor(pixels, [Count, Side, Side])[order], tensor(labels)[order]);
        var train = Count - test;
        var data = LabelledImages.Create("Digits", ClassNames,
            (images[..train], classes[..train]), (images[train..], classes[train..]), Levels, options);
        scope.MoveToOuter(data.Train.Inputs, data.Train.Targets, data.Test.Inputs, data.Test.Targets);
        return data;
    }

    /// <summary>All digits, for a run that has a use for <c>--data</c> only with <c>--full</c>.</summary>
    /// <exception cref="ArgumentException">It was given.</exception>
    public static LabelledImages LoadFor(RecipeContext context) => context.Data is null ? Load()
        : throw new ArgumentException("The digits come with the program; --data is for Fashion-MNIST, with --full.", "--data");

    private static (byte[] Pixels, byte[] Labels) Read()
    {
        using var resource = typeof(Digits).Assembly.GetManifestResourceStream(File)!;
        using var reader = new StreamReader(new GZipStream(resource, CompressionMode.Decompress));
        var (pixels, labels) = (new byte[Count * Side * Side], new byte[Count]);
        for (var i = 0; i < Count; i++)
        {
            var values = reader.ReadLine()!.Split(',');
            for (var j = 0; j < Side * Side; j++) pixels[i * Side * Side + j] = byte.Parse(values[j], CultureInfo.InvariantCulture);
            labels[i] = byte.Parse(values[^1], CultureInfo.InvariantCulture);
        }
        return (pixels, labels);
    }
}
