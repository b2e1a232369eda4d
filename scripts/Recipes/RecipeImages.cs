using TorchZoo.Data.Images;
using TorchZoo.Data.Sources;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Where recipes get labelled images.</summary>
internal static class RecipeImages
{
    /// <summary>Fashion-MNIST: the folder given with <c>--data</c>, or wherever else it is found.</summary>
    /// <param name="context">The run.</param>
    /// <param name="options">What to take.</param>
    /// <exception cref="DatasetNotFoundException">It is nowhere.</exception>
    /// <exception cref="ArgumentException">It has fewer images than the run needs.</exception>
    public static LabelledImages FashionMnist(RecipeContext context, ImageOptions options) =>
        Load(context, options, new DatasetSearch());

    /// <summary>Fashion-MNIST as above; the digits that come with the recipes, with a warning, where it is nowhere and none was
    /// given.</summary>
    /// <param name="context">The run. The smallest size downloads nothing.</param>
    /// <param name="options">What to take of Fashion-MNIST.</param>
    /// <param name="digits">What to take of the digits.</param>
    public static LabelledImages FashionMnistOrDigits(RecipeContext context, ImageOptions options, ImageOptions digits) =>
        OrDigits(context, digits, () => Load(context, options, new DatasetSearch { MayDownload = context.Size != RunSize.Smoke }));

    internal static LabelledImages OrDigits(RecipeContext context, ImageOptions digits, Func<LabelledImages> load)
    {
        try { return load(); }
        catch (DatasetNotFoundException e) when (context.Data is null)
        {
            context.Output.Warn($"The run goes on with the small digits that come with the recipes. {e.Message}");
            return Digits.Load(digits);
        }
    }

    private static LabelledImages Load(RecipeContext context, ImageOptions options, DatasetSearch search) =>
        Data.Images.FashionMnist.Load(options, search with { Folder = context.Data }, context.Progress, context.Cancellation);
}
