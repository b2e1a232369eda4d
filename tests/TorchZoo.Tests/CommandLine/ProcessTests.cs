using NUnit.Framework;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

/// <summary>The real executable, and this assembly as one with the recipes of <see cref="DemoRecipe"/>.</summary>
public class ProcessTests
{
    private Cli _scripts = null!, _demo = null!;

    [SetUp]
    public void Open() => (_scripts, _demo) = (Cli.Scripts(), Cli.Of("TorchZoo.Tests"));

    [TearDown]
    public void Close()
    {
        _scripts.Dispose();
        _demo.Dispose();
    }

    [Test]
    public void HelpAndListOfTheRealProgram()
    {
        var help = _scripts.Run("--help");
        var list = _scripts.Run("list");
        Assert.Multiple(() =>
        {
            Assert.That(help.ExitCode, Is.Zero);
            Assert.That(help.Output, Does.Contain("list").And.Contain("show").And.Contain("claims").And.Contain("evaluate")
                .And.Contain("<paper>"));
            Assert.That(list.ExitCode, Is.Zero);
            Assert.That(list.Output, Does.Match(@"^\| paper +\| title").And.Match(@"\d+ papers?\."));
            Assert.That(list.Output, Does.Not.Contain("demo"), "papers of the tests are not the program's");
            Assert.That(help.Error + list.Error, Is.Empty);
        });
    }

    [Test]
    public void AnUnknownPaperOfTheRealProgramExitsWith2()
    {
        var result = _scripts.Run("xyzzy");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Output, Is.Empty);
            Assert.That(result.Error, Does.StartWith("error: There is no paper or command 'xyzzy'.").And.Not.Contain("   at "));
        });
    }

    [Test]
    public void ARunEndsWithItsClaimAndLeavesItInItsFolder()
    {
        var result = _demo.Run("demo");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Does.EndWith("\nclaim demo: relative L2 0.5 (threshold 1, baseline 4.2) PASS\n"));
            Assert.That(result.Output, Does.Not.Contain("\e"), "no escape codes in a pipe");
            Assert.That(File.ReadAllText(_demo.PathOf("runs", "demo", "claim.json")), Does.Contain("\"verdict\": \"PASS\""));
        });
    }

    [Test]
    public void NoColorAndDumbTerminalsGetNoEscapeCodesEvenWhereColoursAreForced()
    {
        var environment = new Dictionary<string, string> { ["NO_COLOR"] = "1", ["TERM"] = "xterm-256color", ["GITHUB_ACTIONS"] = "true" };
        using var run = _demo.Start(environment, "demo", "--smoke");
        var result = run.WaitForEnd();
        Assert.That(result.Output + result.Error, Does.Not.Contain("\e").And.Contains(") SMOKE"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void TheFirstInterruptSavesACheckpointAndSaysHowToGoOn([Values(CliRun.SigInt, CliRun.SigTerm)] int signal)
    {
        if (CliRun.IsIgnored(signal)) Assert.Ignore("whoever started the tests ignores this signal");
        using var run = _demo.Start("demo", "--waits", "--equation", "wave", "--out", "a folder");
        run.WaitFor("waiting");
        run.Signal(signal);
        var result = run.WaitForEnd();
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(130));
            Assert.That(result.Error, Does.Contain("The checkpoint is a folder/last.pt"));
            Assert.That(result.Error, Does.Contain("-- demo --waits --equation wave --out 'a folder' --resume"));
            Assert.That(result.Output, Does.Not.Contain("claim demo"));
            Assert.That(File.ReadAllText(_demo.PathOf("a folder", "report.html")), Does.Contain(">STOPPED</strong>"));
        });
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void ASecondInterruptEndsAtOnce()
    {
        if (CliRun.IsIgnored(CliRun.SigInt)) Assert.Ignore("whoever started the tests ignores SIGINT");
        using var run = _demo.Start("demo", "--deaf");
        run.WaitFor("waiting");
        run.Signal(CliRun.SigInt);
        run.WaitFor("Stopping after this step");
        run.Signal(CliRun.SigInt);
        Assert.That(run.WaitForEnd().ExitCode, Is.EqualTo(130));
    }

    [Test, Category("Slow"), Platform(Exclude = "Win")]
    public void ARealRunStopsWithACheckpointGoesOnAndIsEvaluated()
    {
        using var cli = Cli.Scripts();
        string[] size = ["--smoke", "--equation", "darcy", "--out", "r"];
        using (var run = cli.Start(["fno", .. size, "--epochs", "5000"]))
        {
            run.WaitFor("Training the FNO");
            while (!File.Exists(cli.PathOf("r", "last.pt"))) Thread.Sleep(20);
            run.Signal(CliRun.SigTerm);
            var stopped = run.WaitForEnd();
            Assert.Multiple(() =>
            {
                Assert.That(stopped.ExitCode, Is.EqualTo(130));
                Assert.That(stopped.Error, Does.Contain("r/last.pt").And.Contain("--resume"));
            });
        }
        var resumed = cli.Run(["fno", .. size, "--epochs", "2", "--resume"]);
        var evaluated = cli.Run("evaluate", Path.Combine("r", "last.pt"));
        Assert.Multiple(() =>
        {
            Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
            Assert.That(resumed.LastLine, Does.Match(@"^claim fno: darcy relative L2 at 15² \S+ \(threshold 0\.04, baseline \S+\) SMOKE$"));
            Assert.That(Directory.GetFiles(cli.PathOf("r"), "*.png").Select(Path.GetFileName), Is.EquivalentTo(["fields.png", "error-vs-resolution.png", "learning.png"]));
            Assert.That(File.ReadLines(cli.PathOf("r", "metrics.jsonl")), Is.Not.Empty);
            Assert.That(evaluated.ExitCode, Is.Zero, evaluated.Error);
            Assert.That(evaluated.Output, Does.Contain("darcy: relative L2 error"));
        });
    }

    [Test]
    public void ClaimsRunsEveryClaimOfEveryRecipeAndWritesATable()
    {
        var result = _demo.Run("claims", "--smoke", "demo");
        var table = File.ReadAllText(_demo.PathOf("runs", "claims.md"));
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(table, Does.Contain("| demo  ").And.Contain("| demo --equation wave "));
            Assert.That(result.LastLine, Is.EqualTo("claims: 3 ran, 0 failed"));
        });
    }
}
