using NUnit.Framework;
using TorchZoo.Scripts.Recipes;

namespace TorchZoo.Tests.CommandLine;

public class SirenEquationRecipeTests() : RecipeFixture(typeof(SirenHelmholtzRecipe), typeof(SirenWaveRecipe))
{
    [TestCase("--wavenumber: expected a number between 3 and 40, got 0.", "siren-helmholtz --wavenumber 0")]
    [TestCase("--wavenumber: expected a number between 3 and 40, got NaN.", "siren-helmholtz --problem inverse --wavenumber NaN")]
    [TestCase("--problem takes", "siren-helmholtz --problem backward")]
    [TestCase("siren-helmholtz generates its data", "siren-helmholtz --data .")]
    [TestCase("siren-wave generates its data", "siren-wave --data .")]
    [TestCase("--speed: expected a positive number up to 1.5, got 0;", "siren-wave --speed 0")]
    [TestCase("--speed: expected a positive number up to 1.5, got 2;", "siren-wave --speed 2")]
    public void WhatCannotBeMeantIsAUsageError(string message, string arguments)
    {
        var result = Run([.. arguments.Split(' '), "--smoke", "--out", Folder["run"]]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain(message));
    }

    [TestCase("siren-helmholtz --wavenumber 7", "relative L2 error ", "Wavenumber 7, outside", "fields.png")]
    [TestCase("siren-helmholtz --problem inverse", "relative L2 error of the medium ",
        "Squared slowness between the receivers, wavenumber 10", "fields.png")]
    [TestCase("siren-wave --speed 0.5", "relative L2 error ", "Waves of speed 0.5", "waves.png")]
    public void ACheckpointIsEvaluatedAsItWasTrained(string arguments, string metric, string table, string picture)
    {
        var run = Run([.. arguments.Split(' '), "--smoke", "--out", Folder["run"]]);
        var evaluated = Run(["evaluate", Folder["run/last.pt"]]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith($"claim {arguments.Split(' ')[0]}: {metric}").And.EndWith("SMOKE"));
            Assert.That(File.Exists(Folder[$"run/{picture}"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain(table));
            // What the run's table says of the sine network.
            var ours = run.Output.Split('\n').Single(l => l.StartsWith("| Siren ", StringComparison.Ordinal)).Split('|')[2].Trim();
            Assert.That(evaluated.Output, Does.Contain($" {ours} "));
        });
    }
}
