using NUnit.Framework;
using TorchZoo.Reports;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

/// <summary><c>report</c>, and the page that every run leaves.</summary>
public class ReportCommandTests() : RecipeFixture(typeof(DemoRecipe), typeof(FurtherDemoRecipe))
{
    [TestCase("0.5", "PASS")]
    [TestCase("2", "FAIL")]
    [TestCase("NaN", "FAIL")]
    public void EveryRunLeavesAPage(string value, string verdict)
    {
        var result = Run("demo", "--value", value, "--out", Folder["run"]);
        var page = File.ReadAllText(Folder["run/report.html"]);
        Assert.Multiple(() =>
        {
            Assert.That(result.Output, Does.Contain($"its report is {Folder["run/report.html"]}\n"));
            Assert.That(page, Does.Contain($">{verdict}</strong>").And.Contain("A paper that does what its options say").And.Contain("arXiv 0000.00001, 2001"));
            Assert.That(page, Does.Contain("Relative L2 error by resolution").And.Contain("0.01368").And.Contain("note.txt"));
            Assert.That(page, Does.Contain($"dotnet run --project scripts -- demo --value {value} --out {Folder["run"]}</pre>"));
            Assert.That(page.Split("82").Length, Is.GreaterThan(1), "parameters");
        });
    }

    [TestCase("io", "No space left on device")]
    [TestCase("defect", "this should not be")]
    public void ARunThatFailsLeavesOneToo(string kind, string message)
    {
        // An earlier run's page must not stay as this one's.
        Run("demo", "--out", Folder["run"]);
        var result = Run("demo", "--throws", kind, "--out", Folder["run"]);
        Assert.That(result.ExitCode, Is.Not.Zero);
        Assert.That(File.ReadAllText(Folder["run/report.html"]), Does.Contain(">FAILED</strong>").And.Contain(message).And.Not.Contain("PASS"));
    }

    [Test]
    public void WhatWasNotBegunLeavesNone()
    {
        Assert.That(Run("demo", "--seed", "x", "--out", Folder["run"]).ExitCode, Is.EqualTo(2));
        Assert.That(Directory.Exists(Folder["run"]), Is.False);
    }

    [Test]
    public void OneRunsPageIsMadeAgain()
    {
        Run("demo", "--out", Folder["run"]);
        File.Delete(Folder["run/report.html"]);
        var (inside, elsewhere) = (Run("report", Folder["run"]), Run("report", Folder["run"], "--output", Folder["new/page.html"]));
        Assert.Multiple(() =>
        {
            Assert.That((inside.ExitCode, inside.Output, inside.Error), Is.EqualTo((0, Folder["run/report.html"] + "\n", "")));
            Assert.That((elsewhere.ExitCode, elsewhere.LastLine), Is.EqualTo((0, Folder["new/page.html"])));
            Assert.That(File.ReadAllBytes(Folder["run/report.html"]), Is.EqualTo(File.ReadAllBytes(Folder["new/page.html"])), "the same folder, the same page");
        });
    }

    [Test]
    public void SeveralRunsAreCompared()
    {
        Run("demo", "--out", Folder["runs/a"]);
        Run("demo", "--value", "2", "--out", Folder["runs/b"]);
        Run("demo", "--value", "3", "--out", Folder["others/c"]);
        var (two, three) = (Run("report", Folder["runs/a"], Folder["runs/b"]), Run("report", Folder["runs/a"], Folder["runs/b"], Folder["others/c"]));
        Assert.Multiple(() =>
        {
            Assert.That((two.ExitCode, two.LastLine), Is.EqualTo((0, Folder["runs/comparison.html"])));
            Assert.That((three.ExitCode, three.LastLine), Is.EqualTo((0, Folder["comparison.html"])));
            Assert.That(File.ReadAllText(Folder["comparison.html"]), Does.Contain("3 runs compared").And.Contain("PASS").And.Contain("FAIL"));
        });
    }

    [TestCase("nowhere", "There is no folder 'nowhere'.")]
    [TestCase("", "is no run's folder: it has no report.json, claim.json, run.json or metrics.jsonl.")]
    [TestCase("runs", "In it are ")]
    public void AFolderThatIsNoRunsIsAUsageError(string name, string message)
    {
        Directory.CreateDirectory(Folder["runs"]);
        SampleOf("runs/a");
        var result = Run("report", name == "nowhere" ? name : Folder[name]);
        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.StartWith("error: ").And.Contain(message).And.Not.Contain("Parameter"));
    }

    [Test]
    public void AFolderIsNoPage()
    {
        SampleOf("a");
        var result = Run("report", Folder["a"], "--output", Folder.Path);
        Assert.That((result.ExitCode, result.Error), Is.EqualTo((2, $"error: --output takes a file; '{Folder.Path}' is a folder.\nHelp: dotnet run --project scripts -- report --help\n")));
    }

    [Test]
    [Platform(Include = "Linux")]
    public void OpenShowsThePageInTheBrowserOrSaysThatItCannot([Values] bool hasBrowser)
    {
        SampleOf("runs/a");
        SampleOf("runs/b");
        Directory.SetLastWriteTimeUtc(Folder["runs/a"], DateTime.UtcNow.AddMinutes(1));
        using var cli = Cli.Of("TorchZoo.Tests");
        Directory.Move(Folder["runs"], cli.PathOf("runs"));
        // A browser that only says what it was to show. The search path holds nothing else but the host of the program.
        Directory.CreateDirectory(cli.PathOf("bin"));
        if (hasBrowser && OperatingSystem.IsLinux())
        {
            File.WriteAllText(cli.PathOf("bin", "xdg-open"), "#!/bin/sh\nread -r line < \"$1\"\necho \"$1 $line\" > shown.tmp\n/bin/mv shown.tmp shown\n");
            File.SetUnixFileMode(cli.PathOf("bin", "xdg-open"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        using var run = cli.Start(new Dictionary<string, string> { ["PATH"] = cli.PathOf("bin") }, "report", "--open");
        var result = run.WaitForEnd();
        var page = cli.PathOf("runs", "a", "report.html");
        if (!hasBrowser)
        {
            Assert.That((result.ExitCode, result.LastLine), Is.EqualTo((1, Path.Combine("runs", "a", "report.html"))));
            Assert.That(result.Error, Does.StartWith("error: --open: there is nothing here that opens pages").And.Contain("report.html"));
            return;
        }
        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
        Assert.That(() => File.Exists(cli.PathOf("shown")), Is.True.After(30_000, 20));
        Assert.That(File.ReadAllText(cli.PathOf("shown")), Does.EndWith("a/report.html <!DOCTYPE html>\n"));
    }

    private void SampleOf(string name)
    {
        var journal = new RunJournal(Folder[name]) { Title = name };
        journal.Begin();
        journal.End(RunOutcome.Finished);
    }
}
