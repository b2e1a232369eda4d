using TorchZoo.Data.Formats;
using TorchZoo.Data.Images;
using TorchZoo.Data.Sources;
using static TorchSharp.torch;

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

    /// <summary>The PNG files in the folder given with <c>--data</c>, in the order of their names, as grey squares of one size, the last tenth
    /// to test with; all are of one class. Null where no folder was given, or it holds none.</summary>
    /// <param name="context">The run.</param>
    /// <param name="side">Rows and columns: the largest square in the middle, at another resolution.</param>
    /// <exception cref="ArgumentException">There is only one.</exception>
    /// <exception cref="InvalidDataException">One is damaged.</exception>
    public static LabelledImages? PngFolder(RecipeContext context, long side)
    {
        if (context.Data is not { } folder || !Directory.Exists(folder)) return null;
        string[] files = [.. Directory.EnumerateFiles(folder, "*.png").Order(StringComparer.Ordinal)];
        if (files.Length == 0) return null;
        if (files.Length == 1) throw new ArgumentException($"{folder}: expected at least two PNG files, one of them to test with", "--data");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var images = stack([.. files.Select(Load)]);
        var train = files.Length - Math.Max(1, files.Length / 10);
        var data = LabelledImages.Create(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), ["image"],
            (images[..train], zeros(train, int64)), (images[train..], zeros(files.Length - train, int64)), 1);
        scope.MoveToOuter(data.Train.Inputs, data.Train.Targets, data.Test.Inputs, data.Test.Targets);
        return data;

        Tensor Load(string file)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            using var each = NewDisposeScope();
            var image = ImageFile.Load(file, ImageChannels.Grey);
            return ImageFile.Resize(ImageFile.CenterSquare(image), side, side).squeeze(0).MoveToOuterDisposeScope();
        }
    }

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
