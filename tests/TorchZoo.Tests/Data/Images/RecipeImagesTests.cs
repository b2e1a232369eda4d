using NUnit.Framework;
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

    private static LabelledImages Missing(TemporaryFolder folder)
    {
        var files = FashionMnist.Files with { Title = "Things", SystemFolder = folder["nothing"] };
        files.Locate(new() { Cache = folder["cache"], MayDownload = false });
        throw new InvalidOperationException("it was found");
    }
}
