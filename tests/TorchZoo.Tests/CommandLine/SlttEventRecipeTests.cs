using NUnit.Framework;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;
using TorchZoo.Tests.Data.Events;

namespace TorchZoo.Tests.CommandLine;

public class SlttEventRecipeTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    private static CliResult Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = new Application(new Screen(output, error), new RecipeCatalog([typeof(SlttRecipe)])).Run(args);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }

    [Test]
    public void MovingShapesAreLearnedAndACheckpointIsEvaluated()
    {
        var run = Run("sltt", "--smoke", "--dataset", "events", "--rule", "sltt-k", "--out", _folder["run"]);
        var evaluated = Run("evaluate", _folder["run/last.pt"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim sltt: test accuracy of SLTT-2 on events ").And.EndWith("SMOKE"));
            Assert.That(File.Exists(_folder["run/events.png"]) && File.Exists(_folder["run/learning.png"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("bright shapes").And.Contain("SLTT-2"));
        });
    }

    [Test]
    public void RecordingsInAFolderAreLearned()
    {
        Directory.CreateDirectory(_folder["data"]);
        DvsGestureFolder.Write(_folder["data"]);
        var run = Run("sltt", "--smoke", "--dataset", "events", "--data", _folder["data"], "--out", _folder["run"]);
        var without = Run("evaluate", _folder["run/last.pt"]);
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
        var gradients = Run("sltt", "--smoke", "--dataset", "events", "--gradients", "--out", _folder["run"]);
        var nowhere = Run("sltt", "--smoke", "--dataset", "events", "--data", _folder["none"], "--out", _folder["run"]);
        Assert.Multiple(() =>
        {
            Assert.That(gradients.ExitCode, Is.EqualTo(2));
            Assert.That(gradients.Error, Does.Contain("--gradients compares gradients on images"));
            Assert.That(nowhere.ExitCode, Is.Not.Zero);
            Assert.That(nowhere.Error, Does.Contain("There is no folder").Or.Contain("none").And.Not.Contain("   at "));
        });
    }
}
