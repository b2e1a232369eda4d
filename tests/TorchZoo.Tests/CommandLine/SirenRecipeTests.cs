using System.Globalization;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data.Formats;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

public class SirenRecipeTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void WhatCannotBeMeantIsAUsageError()
    {
        using (torch.NewDisposeScope()) ImageFile.Save(_folder["a.png"], torch.zeros(8, 8));
        File.WriteAllText(_folder["a.xyz"], "0 0 1\n0 1 0\n1 0 0\n");
        File.WriteAllText(_folder["a.las"], "");
        Assert.Multiple(() =>
        {
            Refused("--image: there is no file 'nowhere.png'.", "siren", "--image", "nowhere.png");
            Refused("--supervision takes", "siren-poisson", "--supervision", "pixels");
            Refused("--other is the second image of a composition", "siren-poisson", "--other", _folder["a.png"]);
            Refused("--points: there is no file 'nowhere.ply'.", "siren-sdf", "--points", "nowhere.ply");
            Refused("expected points with normals", "siren-sdf", "--points", _folder["a.xyz"]);
            Refused("Expected a .xyz, .ply or .obj file, got '.las'", "siren-sdf", "--points", _folder["a.las"]);
        });

        void Refused(string message, params string[] args)
        {
            var result = Run(["--smoke", "--out", _folder["run"]], args);
            Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
            Assert.That(result.Error, Does.Contain(message));
        }
    }

    [Test]
    public void ADamagedImageIsNamed()
    {
        File.WriteAllText(_folder["a.png"], "no image");
        var result = Run(["--smoke", "--out", _folder["run"]], "siren", "--image", _folder["a.png"]);
        Assert.That(result.Error, Does.Contain("a.png").And.Not.Contain("   at "));
        Assert.That(result.ExitCode, Is.Not.Zero);
    }

    [Test]
    public void APointCloudBecomesAMeshAndItsCheckpointIsEvaluatedByTheSameRecipe()
    {
        // An octahedron's corners, each its own normal.
        File.WriteAllLines(_folder["a.xyz"], from axis in Enumerable.Range(0, 3)
                                             from sign in new[] { -1, 1 }
                                             let point = string.Join(' ', Enumerable.Range(0, 3).Select(a => a == axis ? sign : 0))
                                             select string.Create(CultureInfo.InvariantCulture, $"{point} {point}"));
        var run = Run(["--smoke", "--out", _folder["run"]], "siren-sdf", "--points", _folder["a.xyz"]);
        var evaluated = Run([], "evaluate", _folder["run/last.pt"], "--points", _folder["a.xyz"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim siren-sdf: a.xyz mean |Φ| at the points ").And.EndWith("SMOKE"));
            Assert.That(File.Exists(_folder["run/mesh.ply"]) && File.Exists(_folder["run/fields.png"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("a.xyz: mean errors"));
        });
    }

    private static CliResult Run(string[] options, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var recipes = new RecipeCatalog([typeof(SirenRecipe), typeof(SirenPoissonRecipe), typeof(SirenSdfRecipe)]);
        var exitCode = new Application(new Screen(output, error), recipes).Run([.. args, .. options]);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }
}
