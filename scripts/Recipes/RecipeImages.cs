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
    public static LabelledImages FashionMnist(RecipeContext context, ImageOptions options) => Load(context, options, new DatasetSearch());

    /// <summary>Fashion-MNIST as above; the digits that come with the recipes, with a warning, where it is nowhere and none was given.</summary>
    /// <param name="context">The run. The smallest size downloads nothing.</param>
    /// <param name="options">What to take of Fashion-MNIST.</param>
    /// <param name="digits">What to take of the digits.</param>
    /// <param name="search">Where to look; null: everywhere.</param>
    public static LabelledImages FashionMnistOrDigits(
        RecipeContext context, ImageOptions options, ImageOptions digits, DatasetSearch? search = null)
    {
        try
        {
            search ??= new DatasetSearch();
            return Load(context, options, search with { MayDownload = search.MayDownload && context.Size != RunSize.Smoke });
        }
        catch (DatasetNotFoundException e) when (context.Data is null)
        {
            context.Output.Warn($"The run goes on with the small digits that come with the recipes. {e.Message}");
            return Digits.Load(digits);
        }
    }

    private static LabelledImages Load(RecipeContext context, ImageOptions options, DatasetSearch search) =>
        TorchZoo.Data.Images.FashionMnist.Load(options, search with { Folder = context.Data }, context.Progress, context.Cancellation);
}
