using NUnit.Framework;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Text;

public class RecipeTextTests
{
    [Test]
    public void TheBibleComesWithTheRecipes()
    {
        using var scope = NewDisposeScope();
        var text = RecipeText.Load(RecordingReport.Context(new RecordingReport()));
        Assert.That((text.Symbols.Count, text.Train.numel() + text.HeldOut.numel()), Is.EqualTo((63, 4_137_850)));
        Assert.That(text.HeldOut.numel(), Is.EqualTo(4_137_850 / 20).Within(1));
        Assert.That(System.Text.Encoding.ASCII.GetString(text.Symbols.Decode(text.Train[..24])), Is.EqualTo("In the beginning God cre"));
    }

    [Test]
    public void AFileOfOnesOwnIsReadInstead()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["own.txt"], string.Concat(Enumerable.Repeat("abca", 10)));
        var context = RecordingReport.Context(new RecordingReport()) with { Data = folder["own.txt"] };
        var text = RecipeText.Load(context, heldOut: 0.25);
        Assert.That((text.Title, text.Symbols.Count, text.Train.numel(), text.HeldOut.numel()), Is.EqualTo(("own.txt", 3, 30, 10)));
        Assert.That(() => RecipeText.Load(context, 0.25, atLeast: 11), Throws.ArgumentException.With.Message.Contains("at least 44 bytes, this one has 40"));
    }
}
