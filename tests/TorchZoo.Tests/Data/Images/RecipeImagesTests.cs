using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Data.Images;
using TorchZoo.Data.Sources;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Images;

public class RecipeImagesTests
{
    [Test]
    public void WithoutTheDataSetARecipeGoesOnWithDigitsAndSaysSo()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var output = new RecordingReport();
        var data = RecipeImages.OrDigits(RecordingReport.Context(output), new() { Train = 50 }, () => Missing(folder));
        Assert.That(data.Train.Inputs.shape, Is.EqualTo(new long[] { 50, 1, 8, 8 }));
        Assert.That(output.Warnings, Has.Count.EqualTo(1));
        Assert.That(output.Warnings[0], Does.Contain("digits").And.Contain("Things was not found"));
    }

    [Test]
    public void AFolderThatWasGivenIsNotReplaced()
    {
        using var folder = new TemporaryFolder();
        var output = new RecordingReport();
        var context = RecordingReport.Context(output) with { Data = folder.Path };
        Assert.That(() => RecipeImages.OrDigits(context, new(), () => Missing(folder)), Throws.TypeOf<DatasetNotFoundException>());
        Assert.That(() => RecipeImages.FashionMnistOrDigits(context, new(), new()),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains(folder.Path));
        Assert.That(() => RecipeImages.FashionMnist(context, new()),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains(folder.Path));
        Assert.That(output.Warnings, Is.Empty);
    }

    [Test]
    public void AFolderOfPngFilesIsReadAsGreySquares()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var context = RecordingReport.Context(new RecordingReport());
        Assert.That(RecipeImages.PngFolder(context, 4), Is.Null);
        context = context with { Data = folder.Path };
        Assert.That(RecipeImages.PngFolder(context, 4), Is.Null);
        for (var i = 0; i < 12; i++) ImageFile.Save(folder[$"{(char)('a' + i)}.png"], full([3, 8, 10 + i], i / 11f));
        File.WriteAllText(folder["notes.txt"], "no image");
        var data = RecipeImages.PngFolder(context, 4)!;
        Assert.That(data.Train.Inputs.shape, Is.EqualTo(new long[] { 11, 1, 4, 4 }));
        Assert.That(data.Test.Inputs.shape, Is.EqualTo(new long[] { 1, 1, 4, 4 }));
        Assert.That((data.Train.Inputs - (arange(11) / 11f).view(-1, 1, 1, 1)).abs().max().item<float>(), Is.LessThan(0.003));
        Assert.That(data.Test.Inputs.min().item<float>(), Is.EqualTo(1).Within(1e-5));

        File.WriteAllText(folder["broken.png"], "no image");
        Assert.That(() => RecipeImages.PngFolder(context, 4), Throws.TypeOf<InvalidDataException>().With.Message.Contains("broken.png"));
        using var alone = new TemporaryFolder();
        ImageFile.Save(alone["a.png"], zeros(3, 4, 4));
        Assert.That(() => RecipeImages.PngFolder(context with { Data = alone.Path }, 4), Throws.ArgumentException.With.Message.Contains("at least two"));
    }

    private static LabelledImages Missing(TemporaryFolder folder)
    {
        var files = FashionMnist.Files with { Title = "Things", SystemFolder = folder["nothing"] };
        files.Locate(new() { Cache = folder["cache"], MayDownload = false });
        throw new InvalidOperationException("it was found");
    }
}
