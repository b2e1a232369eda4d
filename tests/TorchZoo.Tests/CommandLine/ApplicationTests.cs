using System.Text.RegularExpressions;
using NUnit.Framework;
using TorchZoo.Scripts;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

/// <summary>The command line within this process, with the recipe of <see cref="DemoRecipe"/>.</summary>
public class ApplicationTests
{
    private string _folder = null!;

    [SetUp]
    public void Open() => _folder = Directory.CreateTempSubdirectory("torchzoo cli ").FullName;

    [TearDown]
    public void Close() => Directory.Delete(_folder, recursive: true);

    [TestCase("demo --sead 1", "There is no option '--sead' for 'demo'. Did you mean '--seed'?")]
    [TestCase("demo --sead=1", "There is no option '--sead' for 'demo'. Did you mean '--seed'?")]
    [TestCase("dmeo", "There is no paper or command 'dmeo'. Did you mean 'demo'?")]
    [TestCase("shwo demo", "There is no paper or command 'shwo'. Did you mean 'show'?")]
    [TestCase("demo-silent", "'demo-silent' has no recipe")]
    [TestCase("show dem", "There is no paper 'dem'. Did you mean 'demo'?")]
    [TestCase("show", "'show' takes a paper; there is none.")]
    [TestCase("list --family Comandline", "There is no family 'Comandline'. Did you mean 'CommandLine'?")]
    [TestCase("demo --seed x", "--seed takes a whole number from 0 to 18446744073709551615, not 'x'.")]
    [TestCase("demo --seed -1", "--seed takes a whole number from 0 to 18446744073709551615, not '-1'.")]
    [TestCase("demo --seed", "--seed takes a value; there is none.")]
    [TestCase("demo --seed --smoke", "--seed takes a value; there is none.")]
    [TestCase("demo --epochs 0", "--epochs takes a whole number from 1, not '0'.")]
    [TestCase("demo --epochs 1.5", "--epochs takes a whole number from 1, not '1.5'.")]
    [TestCase("demo --precision half", "--precision takes bfloat16, float16 or float32, not 'half'.")]
    [TestCase("demo --smoke --full", "--smoke and --full exclude each other.")]
    [TestCase("demo --device gpu", "--device takes auto, cpu, cuda or cuda:N, not 'gpu'.")]
    [TestCase("demo --equation wafe", "--equation takes burgers, heat or wave, not 'wafe'. Did you mean 'wave'?")]
    [TestCase("demo --value much", "--value takes a number, not 'much'.")]
    [TestCase("demo --data nowhere", "--data: there is no file or folder 'nowhere'.")]
    [TestCase("demo more", "'demo' has no use for 'more'.")]
    [TestCase("claims nothing", "There is no paper with a recipe 'nothing'.")]
    [TestCase("evaluate nothing.pt", "There is no file 'nothing.pt'.")]
    [TestCase("evaluate", "'evaluate' takes a checkpoint; there is none.")]
    [TestCase("list --famly x", "There is no option '--famly' for 'list'. Did you mean '--family'?")]
    [TestCase("--lst", "There is no option '--lst'.")]
    public void WhatCannotBeMeantExitsWith2AndSaysWhy(string line, string message)
    {
        var result = Run(line.Split(' '));
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Error, Does.StartWith("error: " + message));
            Assert.That(result.Error, Does.Not.Contain("   at ").And.Not.Contain("System."), "no stack trace, no types");
            Assert.That(result.Output, Is.Empty);
        });
    }

    [TestCase("--help", "torchzoo [command]")]
    [TestCase("demo --help", "--equation <burgers|heat|wave>")]
    [TestCase("demo --help", "--resume")]
    [TestCase("list --help", "--family")]
    [TestCase("show --help", "show <paper>")]
    [TestCase("claims --help", "claims [<papers>...]")]
    [TestCase("evaluate --help", "evaluate <checkpoint>")]
    [TestCase("evaluate -h", "evaluate <checkpoint>")]
    [TestCase("", "torchzoo [command]")]
    [TestCase("--version", "TorchZoo ")]
    public void HelpIsEverywhere(string line, string part)
    {
        var result = Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero);
            Assert.That(result.Output, Does.Contain(part));
            Assert.That(result.Error, Is.Empty);
        });
    }

    [Test]
    public void ListMarksThePapersThatHaveARecipe()
    {
        var lines = Run("list", "--family", "commandline").Output.Split('\n');
        Assert.Multiple(() =>
        {
            Assert.That(lines.Single(l => l.StartsWith("| demo ")), Does.Match(@"\| 2001 \| 0000\.00001 \| CommandLine \| demo, demo-more +\|$"));
            Assert.That(lines.Single(l => l.StartsWith("| demo-silent ")), Does.Match(@"\| 2000 \| 0000\.00000 \| CommandLine \| +\|$"));
        });
    }

    [Test]
    public void ShowSaysWhatThePaperIs() =>
        Assert.That(Run("show", "demo").Output, Does.Contain("A paper that does what its options say")
            .And.Contain("arXiv 0000.00001 (2001)"));

    [Test]
    public void TheClaimDecidesTheExitCode()
    {
        var (pass, fail, smoke) = (Run("demo", "--value", "0.5"), Run("demo", "--value", "2"), Run("demo", "--value", "2", "--smoke"));
        Assert.Multiple(() =>
        {
            Assert.That((pass.ExitCode, pass.LastLine), Is.EqualTo((0, "claim demo: relative L2 0.5 (threshold 1, baseline 4.2) PASS")));
            Assert.That((fail.ExitCode, fail.LastLine), Is.EqualTo((1, "claim demo: relative L2 2 (threshold 1, baseline 4.2) FAIL")));
            Assert.That((smoke.ExitCode, smoke.LastLine), Is.EqualTo((0, "claim demo: relative L2 2 (threshold 1, baseline 4.2) SMOKE")));
        });
    }

    [Test]
    public void ClaimLinesHaveOneForm([Values(0.0137, 1234567.0, double.NaN, double.PositiveInfinity, -1e-9)] double value,
        [Values(null, 0.25)] double? baseline)
    {
        var claim = new Claim("fno", "relative L2 at 256", value, 0.025, baseline, value <= 0.025);
        Assert.That(claim.Line(smoke: false), Does.Match(@"^claim [a-z0-9-]+: .+ \S+ \(threshold \S+, baseline \S+\) (PASS|FAIL)$"));
        Assert.That(claim.Line(smoke: false), Does.EndWith(value <= 0.025 ? "PASS" : "FAIL"));
    }

    [Test]
    public void AClaimHoldsIfEveryConditionDoes()
    {
        var claim = new Claim("fno", "error", 1, 1, null, [new("small", true), new("the same at every resolution", false)]);
        Assert.That(claim.Holds, Is.False);
    }

    [Test]
    public void TheSeedDecidesTheGlobalGenerator()
    {
        string Draw(string seed) => Regex.Match(Run("demo", "--seed", seed).Output, @"draw +(\S+)").Groups[1].Value;
        var draws = new[] { "7", "7", "8" }.Select(Draw).ToArray();
        Assert.That(draws[0], Is.EqualTo(draws[1]).And.Not.EqualTo(draws[2]).And.Not.Empty);
    }

    [Test]
    public void ReportsAreReadableInAPipe()
    {
        var output = Run("demo").Output;
        Assert.Multiple(() =>
        {
            Assert.That(output, Does.Contain("  parameters             82721\n"));
            Assert.That(output, Does.Contain("| grid |   error | model |\n| ---: | ------: | ----- |\n|  256 | 0.01368 | FNO   |\n"));
            Assert.That(output, Does.Contain("  epochs                 20\n"));
            Assert.That(output.Split('\n').Where(l => l.EndsWith(' ')), Is.Empty);
        });
    }

    [TestCase("argument", 2, "error: modes must be positive, not -1\n")]
    [TestCase("data", 1, "error: damaged.pt: the file ends early\n")]
    [TestCase("io", 1, "error: No space left on device\n")]
    [TestCase("defect", 70, "error: InvalidOperationException: this should not be\n")]
    public void FailuresSayWhatAUserCanActOn(string kind, int exitCode, string message)
    {
        var result = Run("demo", "--throws", kind);
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(exitCode));
            Assert.That(result.Error, Does.StartWith(message));
            Assert.That(result.Error, Does.Not.Contain("   at "));
            Assert.That(File.Exists(Path.Combine(_folder, "error.log")), Is.EqualTo(exitCode == 70));
        });
        if (exitCode == 70)
            Assert.That(File.ReadAllText(Path.Combine(_folder, "error.log")), Does.Contain("   at ").And.Contains(nameof(DemoRecipe)));
    }

    [Test]
    public void ResumeNeedsACheckpoint()
    {
        var without = Run("demo", "--resume");
        File.WriteAllText(Path.Combine(_folder, "last.pt"), "");
        Assert.Multiple(() =>
        {
            Assert.That(without.ExitCode, Is.EqualTo(2));
            Assert.That(without.Error, Does.Contain("--resume: there is no checkpoint in"));
            Assert.That(Run("demo", "--resume").ExitCode, Is.Zero);
        });
    }

    [Test]
    public void CudaWithoutCudaIsAUsageError()
    {
        if (TorchSharp.torch.cuda.is_available()) Assert.Ignore("this machine has CUDA");
        var result = Run("demo", "--device", "cuda:0");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Error, Does.Contain("CUDA is not available"));
        });
    }

    [TestCase("a", ExpectedResult = "a")]
    [TestCase("a-b", ExpectedResult = "a-b")]
    [TestCase("a-b-large", ExpectedResult = "a-b")]
    [TestCase("a-c", ExpectedResult = "a")]
    [TestCase("ab", ExpectedResult = null)]
    public string? AModelBelongsToThePaperWithTheLongestName(string model) => RecipeCatalog.NearestOf(model, ["a", "a-b", "c"]);

    [Test]
    public void TwoRecipesOfOnePaperAreADefect() =>
        Assert.That(() => new RecipeCatalog([typeof(DemoRecipe), typeof(DemoRecipe)]),
            Throws.InvalidOperationException.With.Message.Contains("'demo'"));

    private CliResult Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        // Only runs have a folder to choose; what is refused before has none to write.
        string[] all = args.Length > 0 && args[0] == "demo" && !args.Contains("--help") && !args.Contains("more")
            ? ["demo", "--out", _folder, .. args[1..]] : args;
        var exitCode = new Application(new Screen(output, error), new RecipeCatalog([typeof(DemoRecipe), typeof(FurtherDemoRecipe)])).Run(all);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }
}
