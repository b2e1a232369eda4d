using NUnit.Framework;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Tests.Data.Events;

namespace TorchZoo.Tests.CommandLine;

public class SlttEventRecipeTests() : RecipeFixture(typeof(SlttRecipe))
{
    [Test]
    public void MovingShapesAreLearnedAndACheckpointIsEvaluated()
    {
        var run = Run("sltt", "--smoke", "--dataset", "events", "--rule", "sltt-k", "--out", Folder["run"]);
        var evaluated = Run("evaluate", Folder["run/last.pt"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim sltt: test accuracy of SLTT-2 on events ").And.EndWith("SMOKE"));
            Assert.That(File.Exists(Folder["run/events.png"]) && File.Exists(Folder["run/learning.png"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("bright shapes").And.Contain("SLTT-2"));
        });
    }

    [Test]
    public void RecordingsInAFolderAreLearned()
    {
        Directory.CreateDirectory(Folder["data"]);
        DvsGestureFolder.Write(Folder["data"]);
        var run = Run("sltt", "--smoke", "--dataset", "events", "--data", Folder["data"], "--out", Folder["run"]);
        var without = Run("evaluate", Folder["run/last.pt"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim sltt: test accuracy of SLTT on DVS128 Gesture ").And.EndWith("SMOKE"));
            Assert.That(without.Error, Does.Contain("was trained on DVS128 Gesture; give its folder with --data"));
        });
    }

    [Test]
    public void WhatCannotBeMeantIsAnError()
    {
        var gradients = Run("sltt", "--smoke", "--dataset", "events", "--gradients", "--out", Folder["run"]);
        var nowhere = Run("sltt", "--smoke", "--dataset", "events", "--data", Folder["none"], "--out", Folder["run"]);
        Assert.Multiple(() =>
        {
            Assert.That(gradients.ExitCode, Is.EqualTo(2));
            Assert.That(gradients.Error, Does.Contain("--gradients compares gradients on images"));
            Assert.That(nowhere.ExitCode, Is.Not.Zero);
            Assert.That(nowhere.Error, Does.Contain("There is no folder").Or.Contain("none").And.Not.Contain("   at "));
        });
    }
}
