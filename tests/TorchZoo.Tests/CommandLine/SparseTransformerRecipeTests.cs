using NUnit.Framework;
using TorchZoo.Scripts.Recipes;

namespace TorchZoo.Tests.CommandLine;

public class SparseTransformerRecipeTests() : RecipeFixture(typeof(SparseTransformerRecipe))
{
    [Test]
    public void ATextIsLearnedEvaluatedAndContinued()
    {
        var text = Folder["a.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 100)));
        var run = Run("sparse-transformer", "--smoke", "--text", text, "--out", Folder["run"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.LastLine, Does.StartWith("claim sparse-transformer: bits a byte, sparse ").And.EndWith("SMOKE"));
        Assert.That(File.Exists(Folder["run/learning.png"]), Is.True);

        var evaluated = Run("evaluate", Folder["run/last.pt"], "--text", text);
        var onAnother = Run("evaluate", Folder["run/last.pt"]);
        string[] Sample(params string[] more) => ["sample", Folder["run/last.pt"], "--out", Folder["samples"], .. more];
        var drawn = Run(Sample("--prompt", "the mat", "--count", "20"));
        var unknown = Run(Sample("--prompt", "THE"));
        var tooLong = Run(Sample("--prompt", new string('t', 65)));
        Assert.Multiple(() =>
        {
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("a.txt: held-out sequences"));
            Assert.That(onAnother.Error, Does.Contain("was trained on other tokens"));
            Assert.That(drawn.ExitCode, Is.Zero, drawn.Error);
            Assert.That(drawn.Output, Does.Contain("the mat"));
            Assert.That(unknown.Error, Does.Contain("0x54"));
            Assert.That(tooLong.Error, Does.Contain("at most 64 bytes"));
        });
    }

    [Test]
    public void TheCopyTaskDrawsPatternsAndAttention()
    {
        var run = Run("sparse-transformer", "--smoke", "--out", Folder["run"]);
        var sampled = Run("sample", Folder["run/last.pt"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            foreach (var file in new[] { "patterns.png", "attention.png", "speed.png", "learning.png", "last.pt", "dense/last.pt" })
                Assert.That(File.Exists(Folder[$"run/{file}"]), Is.True, file);
            Assert.That(sampled.Error, Does.Contain("nothing to show"));
        });
    }

    [Test]
    public void WhatCannotBeMeantIsAUsageError() => Assert.Multiple(() =>
    {
        foreach (var (message, args) in new (string, string[])[]
        {
            ("--task takes copy, text, images", ["--task", "music"]), ("--text: there is no file 'nowhere'", ["--text", "nowhere"]),
            ("--temperature takes", ["--temperature", "-1"]), ("--count takes", ["--count", "0"]),
        })
        {
            var result = Run(["sparse-transformer", "--smoke", "--out", Folder["run"], .. args]);
            Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
            Assert.That(result.Error, Does.Contain(message));
        }
    });
}
