using System.Globalization;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data.Formats;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

public class SirenRecipeTests() : RecipeFixture(typeof(SirenRecipe), typeof(SirenPoissonRecipe), typeof(SirenSdfRecipe),
    typeof(SirenAudioRecipe), typeof(SirenHyperRecipe), typeof(SirenVideoRecipe))
{
    [Test]
    public void WhatCannotBeMeantIsAUsageError()
    {
        using (torch.NewDisposeScope()) ImageFile.Save(Folder["a.png"], torch.zeros(8, 8));
        File.WriteAllText(Folder["a.xyz"], "0 0 1\n0 1 0\n1 0 0\n");
        File.WriteAllText(Folder["a.las"], "");
        Assert.Multiple(() =>
        {
            Refused("--image: there is no file 'nowhere.png'.", "siren", "--image", "nowhere.png");
            Refused("--supervision takes", "siren-poisson", "--supervision", "pixels");
            Refused("--other is the second image of a composition", "siren-poisson", "--other", Folder["a.png"]);
            Refused("--points: there is no file 'nowhere.ply'.", "siren-sdf", "--points", "nowhere.ply");
            Refused("expected points with normals", "siren-sdf", "--points", Folder["a.xyz"]);
            Refused("Expected a .xyz, .ply or .obj file, got '.las'", "siren-sdf", "--points", Folder["a.las"]);
            Refused("--mask takes a fraction above 0 and below 1", "siren", "--mask", "1");
            Refused("--prior and --prior-weight are for inpainting", "siren", "--prior", "tv");
            Refused("--color is for gradients", "siren-poisson", "--color", "--supervision", "laplacian");
            Refused("--audio: there is no file 'nowhere.wav'.", "siren-audio", "--audio", "nowhere.wav");
            Refused("--seconds takes a number of seconds", "siren-audio", "--seconds", "0");
            Refused("expected a sound, got", "siren-audio", "--audio", Silence());
            Refused("--frames: there is no folder 'nowhere'.", "siren-video", "--frames", "nowhere");
            Refused("Expected at least two PNG or JPEG images", "siren-video", "--frames", Folder.Path);
            Refused("Expected a folder of images, got the file", "siren-hyper", "--data", Folder["a.png"]);
            Refused("Expected at least 20 PNG or JPEG images", "siren-hyper", "--data", Folder.Path);
        });

        void Refused(string message, params string[] args)
        {
            var result = Run(["--smoke", "--out", Folder["run"]], args);
            Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
            Assert.That(result.Error, Does.Contain(message));
        }

        string Silence()
        {
            using var scope = torch.NewDisposeScope();
            WaveFile.Save(Folder["silence.wav"], torch.zeros(1000), 8000);
            return Folder["silence.wav"];
        }
    }

    [Test]
    public void ADamagedImageIsNamed()
    {
        File.WriteAllText(Folder["a.png"], "no image");
        var result = Run(["--smoke", "--out", Folder["run"]], "siren", "--image", Folder["a.png"]);
        Assert.That(result.Error, Does.Contain("a.png").And.Not.Contain("   at "));
        Assert.That(result.ExitCode, Is.Not.Zero);
    }

    [Test]
    public void APointCloudBecomesAMeshAndItsCheckpointIsEvaluatedByTheSameRecipe()
    {
        // An octahedron's corners, each its own normal.
        File.WriteAllLines(Folder["a.xyz"], from axis in Enumerable.Range(0, 3)
                                            from sign in new[] { -1, 1 }
                                            let point = string.Join(' ', Enumerable.Range(0, 3).Select(a => a == axis ? sign : 0))
                                            select string.Create(CultureInfo.InvariantCulture, $"{point} {point}"));
        var run = Run(["--smoke", "--out", Folder["run"]], "siren-sdf", "--points", Folder["a.xyz"]);
        var evaluated = Run([], "evaluate", Folder["run/last.pt"], "--points", Folder["a.xyz"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim siren-sdf: a.xyz mean |Φ| at the points ").And.EndWith("SMOKE"));
            Assert.That(File.Exists(Folder["run/mesh.ply"]) && File.Exists(Folder["run/fields.png"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("a.xyz: mean errors"));
        });
    }

    [Test]
    public void ASoundFileIsFittedAndItsCheckpointIsHeard()
    {
        using (torch.NewDisposeScope())
            WaveFile.Save(Folder["a.wav"], torch.linspace(0, 400, 2 * 5000).reshape(2, -1).sin() / 2, 16_000, WaveEncoding.Pcm24);
        var run = Run(["--smoke", "--out", Folder["run"]], "siren-audio", "--audio", Folder["a.wav"]);
        var evaluated = Run([], "evaluate", Folder["run/last.pt"], "--audio", Folder["a.wav"]);
        var without = Run([], "evaluate", Folder["run/last.pt"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.LastLine, Does.StartWith("claim siren-audio: sound SNR in dB ").And.EndWith("SMOKE"));
        Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
        Assert.That(evaluated.Output, Does.Contain("a.wav, 4000 samples"));
        Assert.That(without.Error, Does.Contain("was trained on a.wav; give that file with --audio."));
        using var truth = WaveFile.Load(Folder["run/truth.wav"]);
        using var fitted = WaveFile.Load(Folder["run/siren.wav"]);
        Assert.Multiple(() =>
        {
            Assert.That((truth.SampleRate, truth.Samples.shape[1]), Is.EqualTo((16_000, 4000)), "a quarter of a second, both channels' mean");
            Assert.That(truth.Samples.abs().max().item<float>(), Is.EqualTo(1).Within(1e-4));
            Assert.That(fitted.Samples.shape, Is.EqualTo(truth.Samples.shape));
            Assert.That(File.Exists(Folder["run/spectrograms.png"]) && File.Exists(Folder["run/waveforms.png"]));
        });
    }

    [Test]
    public void APriorOverAFolderOfImagesIsEvaluatedOnTheSameOnes()
    {
        using (torch.NewDisposeScope())
        {
            using var faces = Faces.Draw(24, 20, seed: 1);
            for (var i = 0; i < 24; i++) ImageFile.Save(Folder[$"{i}.png"], (faces[i] + 1) / 2);
        }
        var run = Run(["--smoke", "--seed", "3", "--out", Folder["run"]], "siren-hyper", "--data", Folder.Path);
        var evaluated = Run([], "evaluate", Folder["run/last.pt"], "--data", Folder.Path);
        var without = Run([], "evaluate", Folder["run/last.pt"]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.StartWith("claim siren-hyper: held-out MSE from 50 pixels ").And.EndWith("SMOKE"));
            Assert.That(File.Exists(Folder["run/images.png"]));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(Rows(evaluated.Output), Is.EqualTo(Rows(run.Output)).And.Length.EqualTo(3), "the same images, the same pixels");
            Assert.That(without.Error, Does.Contain("give it with --data"));
        });

        // The table's, which begin with a number of pixels.
        static string[] Rows(string output) => [.. output.Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal)
            && char.IsDigit(l.TrimStart('|', ' ').FirstOrDefault()))];
    }

    [TestCase("siren", "--mask", "0.3", "--prior", "tv", "--color")]
    [TestCase("siren", "--mask", "0.5")]
    [TestCase("siren-video")]
    [TestCase("siren", "--color")]
    [TestCase("siren-poisson", "--supervision", "composition", "--color")]
    public void ImagesInOtherFormsRunAndTheirCheckpointsSaySo(params string[] args)
    {
        var run = Run(["--smoke", "--out", Folder["run"]], args);
        var evaluated = Run([], "evaluate", Folder["run/last.pt"]);
        var last = run.LastLine.Split(' ');
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            Assert.That(run.LastLine, Does.EndWith("SMOKE"));
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            // The claim's value is what the checkpoint has.
            Assert.That(evaluated.Output, Does.Contain(last[Array.IndexOf(last, "(threshold") - 1]));
        });
    }

    private CliResult Run(string[] options, params string[] args) => base.Run([.. args, .. options]);
}
