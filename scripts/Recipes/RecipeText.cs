using TorchZoo.Data.Formats;
using TorchZoo.Data.Text;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A text in symbols: what is learned from and, at its end, what is held out.</summary>
/// <param name="Title">What it is called.</param>
/// <param name="Symbols">What it is made of.</param>
/// <param name="Train">uint8 (tokens): numbers of symbols.</param>
/// <param name="HeldOut">The same of its last part.</param>
internal sealed record RecipeText(string Title, Symbols Symbols, Tensor Train, Tensor HeldOut)
{
    private const string Bible = "data/kjv.txt.gz";

    /// <summary>Reads the text file given with <c>--data</c>, which may be compressed with gzip, or the King James Bible.</summary>
    /// <param name="context">The run.</param>
    /// <param name="heldOut">The share that is held out.</param>
    /// <param name="atLeast">Symbols that each part must have.</param>
    /// <exception cref="ArgumentException">The file is shorter.</exception>
    public static RecipeText Load(RecipeContext context, double heldOut = 0.05, long atLeast = 1)
    {
        using var stream = context.Data is { } path ? File.OpenRead(path) : typeof(RecipeText).Assembly.GetManifestResourceStream(Bible)!;
        var bytes = TextFile.ReadBytes(stream, context.Data ?? Bible);
        var train = (int)(bytes.Length * (1 - heldOut));
        if (train < atLeast || bytes.Length - train < atLeast)
            throw new ArgumentException($"{context.Data}: the run needs a text of at least {Math.Ceiling(atLeast / heldOut):N0} bytes, this one has "
                + $"{bytes.Length:N0}", "--data");
        var symbols = Symbols.Of(bytes);
        return new(context.Data is { } file ? Path.GetFileName(file) : "The King James Bible", symbols, symbols.Encode(bytes.AsSpan(0, train)),
            symbols.Encode(bytes.AsSpan(train)));
    }
}
