using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Scripts.Recipes;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.CommandLine;

/// <summary>Recipes on files of the layout in which their papers' data sets were published.</summary>
public class PublishedDataTests() : RecipeFixture(typeof(FnoRecipe), typeof(DeepONetRecipe))
{
    [TestCase("burgers", "burgers_data_R10.mat", "burgers relative L2 at 64 ", "training functions: 10")]
    [TestCase("burgers", "burgers_data_R10.mat", "burgers relative L2 at 32 ", "training functions: 5", "--subsample", "2", "--train-size", "5", "--test-size", "3")]
    [TestCase("darcy", "piececonst_r421_N1024_smooth1.mat", "darcy relative L2 at 7² ", "training functions: 8", "--subsample", "2")]
    [TestCase("navier-stokes", "NavierStokes_V1e-3_N5000_T50.mat", "navier-stokes one-step relative L2 at 4² ", "training functions: 44")]
    public void FnoLearnsFromThePublishedFiles(string equation, string file, string claim, string size, params string[] more)
    {
        var run = Run(["fno", "--smoke", "--epochs", "1", "--equation", equation, "--data", TestData.PathOf($"matlab/{file}"), "--out", Folder["run"], .. more]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.LastLine, Does.StartWith($"claim fno: {claim}"));
        Assert.That(run.Output.Replace("  ", " "), Does.Contain(size.Split(": ")[1]));
        var again = Run(["evaluate", Folder["run/last.pt"], "--data", TestData.PathOf($"matlab/{file}"), "--out", Folder["evaluated"], .. more]);
        Assert.That(again.ExitCode, Is.Zero, again.Error);
    }

    [Test]
    public void FnoReadsTheSameNumbersFromOtherFormats()
    {
        using var scope = NewDisposeScope();
        using (var file = ArrayFile.Open(TestData.PathOf("matlab/burgers_data_R10.mat")))
            NpzFile.Save(Folder["b.npz"], new Dictionary<string, Tensor> { ["a"] = file.Read("a"), ["u"] = file.Read("u") });
        string Claim(string path)
        {
            var run = Run("fno", "--smoke", "--epochs", "1", "--data", path, "--out", Folder["run"]);
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            return run.LastLine;
        }
        Assert.That(Claim(Folder["b.npz"]), Is.EqualTo(Claim(TestData.PathOf("matlab/burgers_data_R10.mat"))));
    }

    [TestCase("burgers", "piececonst_r421_N1024_smooth1.mat", "expected an array 'a' (or u0)")]
    [TestCase("darcy", "piececonst_r421_N1024_smooth1.mat", "5 doesn't divide 12", "--subsample", "5")]
    [TestCase("darcy", "piececonst_r421_N1024_smooth1.mat", "9 are asked for", "--train-size", "9")]
    [TestCase("burgers", "burgers_data_R10.mat", "takes a whole number from 1", "--subsample", "0")]
    [TestCase("navier-stokes", "burgers_data_R10.mat", "expected arrays (functions, s, s, frames)")]
    public void WhatDoesNotFitIsSaid(string equation, string file, string message, params string[] more)
    {
        var run = Run(["fno", "--smoke", "--equation", equation, "--data", TestData.PathOf($"matlab/{file}"), "--out", Folder["run"], .. more]);
        Assert.Multiple(() =>
        {
            Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
            Assert.That(run.Error, Does.Contain(message));
        });
    }

    [Test]
    public void OptionsOfFilesNeedAFile()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Run("fno", "--smoke", "--subsample", "2", "--out", Folder["run"]).Error, Does.Contain("--subsample is for the file given with --data"));
            Assert.That(Run("deeponet", "--smoke", "--test-data", "x", "--out", Folder["run"]).Error, Does.Contain("--test-data is for the file"));
            Assert.That(Run("fno", "--help").Output, Does.Contain("--train-size").And.Contain("--test-data"));
        });
    }

    [TestCase("antiderivative_unaligned_train.npz")]
    [TestCase("aligned_plain_train.npz")]
    public void DeepONetLearnsFromThePublishedFiles(string file)
    {
        var run = Run("deeponet", "--smoke", "--epochs", "1", "--data", TestData.PathOf($"npz/{file}"), "--out", Folder["run"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.LastLine, Does.StartWith("claim deeponet: antiderivative test MSE "));
    }

    [Test]
    public void PicklesAreNotOpened()
    {
        var run = Run("deeponet", "--smoke", "--data", TestData.PathOf("npz/antiderivative_aligned_train.npz"), "--out", Folder["run"]);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain("pickled").And.Contain("np.savez"));
    }
}
