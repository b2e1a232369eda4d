using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using NUnit.Framework;
using SkiaSharp;
using TorchSharp;
using TorchZoo.Reports;
using TorchZoo.Testing;
using TorchZoo.Tests.Training;
using TorchZoo.Training;

namespace TorchZoo.Tests.Reports;

public class RunReportTests
{
    private static readonly XNamespace Xhtml = "http://www.w3.org/1999/xhtml";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void APageIsWholeInItself([Values] bool comparison)
    {
        SampleRun.Write(_folder["a"]);
        SampleRun.Write(_folder["b"], width: 64);
        var page = comparison ? Compare("a", "b") : Report("a");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants(Xhtml + "script"), Is.Empty);
            Assert.That(page.Descendants(Xhtml + "link"), Is.Empty);
            Assert.That(page.Descendants().Attributes("src").Select(a => a.Value[..22]).Distinct(), Is.EqualTo(["data:image/png;base64,"]));
            Assert.That(page.Descendants().Attributes("href").Select(a => a.Value).Distinct(),
                Is.EqualTo(comparison ? [] : new[] { "https://arxiv.org/abs/2010.08895" }));
            Assert.That(page.Descendants(Xhtml + "img").Select(i => i.Attribute("alt")!.Value).ToArray(),
                comparison ? Has.Length.EqualTo(4) : Is.EqualTo(["truth and prediction", "error of the prediction"]));
            var css = page.Descendants(Xhtml + "style").Single().Value;
            Assert.That(css, Does.Not.Contain("http").And.Not.Contain("@import"));
            Assert.That(Regex.Matches(page.ToString(), @"url\(([^)]{1,5})").Select(m => m.Groups[1].Value), Is.Not.Empty.And.All.Match("^(data:|#p)"));
            // Names within the pictures must not meet.
            var ids = page.Descendants().Attributes("id").Select(a => a.Value).ToList();
            Assert.That(ids, Is.Unique);
            Assert.That(ids, Is.SupersetOf(Regex.Matches(page.ToString(), @"url\(#([^)]+)\)").Select(m => m.Groups[1].Value).Distinct()));
            Assert.That(page.Descendants(Xhtml + "svg").Count(), Is.GreaterThanOrEqualTo(4));
            Assert.That(page.Descendants(Xhtml + "svg").Select(s => s.Attribute("aria-label")!.Value), Has.All.Not.Empty);
        });
    }

    [Test]
    public void ThePageSaysWhetherItWorkedHowFastAndComparedWithWhat()
    {
        SampleRun.Write(_folder["run"]);
        var page = Report("run");
        var head = page.Descendants(Xhtml + "header").Single();
        Assert.Multiple(() =>
        {
            Assert.That(head.Descendants(Xhtml + "strong").Single().Value, Is.EqualTo("PASS"));
            Assert.That(head.Value, Does.Contain("burgers relative L2 at 256 0.0137").And.Contain("baseline 0.42").And.Contain("threshold0.025")
                .And.Contain("cpu, 2 threads").And.Contain("samples/s").And.Contain("339 MB"));
            Assert.That(head.Descendants(Xhtml + "li").Select(l => l.Attribute("class")!.Value), Is.EqualTo(["holds", "holds"]));
            Assert.That(head.Descendants(Xhtml + "p").Select(p => p.Value), Has.Some.StartsWith("oneDNN computes"));
            Assert.That(Rows(page, 0), Is.EqualTo(new[] { "resolution|FNO|CNN", "256 (training)|0.0137|0.42", "1024|0.0137|NaN" }));
            Assert.That(Rows(page, 1).Skip(1), Has.Some.StartsWith("fno|82").And.Some.StartsWith("baseline|82"));
            Assert.That(page.ToString(), Does.Contain("dotnet run --project scripts -- fno").And.Contain("validation/loss, epoch 20")
                .And.Contain("contour.csv"));
            Assert.That(Curves(page), Is.EqualTo(["loss log scale", "learning rate", "samples per second", "memory (MB)"]));
        });
    }

    [Test]
    public void WhateverATextHoldsIsShownAndNotRun()
    {
        const string hostile = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & &amp; \0\u001b[31m \ud800 ]]> 𝛼";
        var journal = new RunJournal(_folder.Path) { Title = hostile, Source = hostile, Link = "javascript:alert(1)", Command = hostile, Device = hostile };
        journal.Heading(hostile);
        journal.Say(hostile);
        journal.Warn(hostile);
        journal.Note(hostile, hostile);
        journal.Table(hostile, [hostile], [[hostile]]);
        new LinePlot { Series = [new("", [1, 2])] }.Save(_folder["picture.png"]);
        journal.File(_folder["picture.png"], hostile);
        journal.Claim(new RunClaim(hostile, 1, 1, null, hostile, [new(hostile, true)]));
        using (var log = new MetricsLog(_folder["metrics.jsonl"]))
            for (var i = 0; i < 3; i++) log.Write(i, 0, KeyValuePair.Create(hostile.Replace("\ud800", ""), 1.0 + i));
        (SampleRun.Record(hostile, 1, 1) with { Notes = new Dictionary<string, string> { [hostile] = hostile }, System = hostile }).Write(_folder.Path);
        journal.End(RunOutcome.Failed, hostile);
        var page = Report("");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants().Select(e => e.Name.LocalName), Does.Not.Contain("script").And.Not.Contain("a"));
            Assert.That(page.Descendants(Xhtml + "img").Count(), Is.EqualTo(1));
            Assert.That(page.Descendants().Attributes().Select(a => a.Name.LocalName), Has.None.StartsWith("on"));
            Assert.That(page.Descendants(Xhtml + "h1").Single().Value, Does.StartWith("<script>alert('x')</script>\"><img src=x onerror=alert(1)> & &amp; \ufffd\ufffd[31m \ufffd"));
            Assert.That(page.Descendants(Xhtml + "h1").Single().Value, Does.EndWith("]]> 𝛼"));
        });
    }

    [TestCase(RunOutcome.Failed, "FAILED", "ended in an error")]
    [TestCase(RunOutcome.Stopped, "STOPPED", "was stopped")]
    [TestCase(null, "UNFINISHED", "has not ended")]
    public void ARunThatDidNotFinishSaysSo(RunOutcome? outcome, string badge, string text)
    {
        SampleRun.Write(_folder["run"], outcome: outcome, failure: outcome == RunOutcome.Failed ? "the loss is NaN <here>" : null);
        var page = Report("run");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants(Xhtml + "strong").First().Value, Is.EqualTo(badge));
            Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain(text));
            Assert.That(page.Descendants(Xhtml + "pre").First().Value, outcome == RunOutcome.Failed ? Is.EqualTo("the loss is NaN <here>") : Does.StartWith("dotnet"));
            Assert.That(Curves(page), Has.Length.EqualTo(4), "what there was until then");
        });
    }

    [TestCase(double.NaN, "NaN")]
    [TestCase(double.PositiveInfinity, "Infinity")]
    public void WhatIsNotFiniteIsShownAsSuch(double value, string text)
    {
        SampleRun.Training(_folder.Path, "fno", steps: 100, width: 1, seed: 1, spike: value > 0 ? value : 0);
        File.AppendAllText(_folder["metrics.jsonl"], $"{{\"step\":100,\"epoch\":5,\"odd\":\"{text}\",\"loss\":\"{text}\"}}\n");
        var journal = SampleRun.Journal(_folder.Path);
        journal.Claim(new RunClaim("error", value, value, value, "FAIL", []));
        journal.End(RunOutcome.Finished);
        var page = Report("");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain($"error {text}").And.Contain($"baseline {text}"));
            Assert.That(Curves(page), Has.Some.Match($"^loss( log scale)?not finite: {text} at step {(value > 0 ? 30 : 100)}$"));
            Assert.That(Curves(page), Does.Contain($"oddnot finite: {text} at step 100"), "a curve with nothing to draw");
            Assert.That(page.Descendants().Attributes("d").Select(d => d.Value), Has.None.Contain("NaN").And.None.Contain("∞"));
        });
    }

    [Test]
    public void WhatIsDamagedIsLeftOutAndTheRestIsShown()
    {
        SampleRun.Write(_folder["run"]);
        string At(string name) => _folder[Path.Combine("run", name)];
        var lines = File.ReadAllLines(At("metrics.jsonl")).ToList();
        lines.Insert(3, "{\"step\":");
        lines.Insert(7, "{\"epoch\":1,\"loss\":0.5}");
        File.WriteAllText(At("metrics.jsonl"), string.Join('\n', lines) + "\n{\"step\":9");
        File.WriteAllText(At("baseline/run.json"), "{\"model\": 3");
        File.WriteAllText(At("functions.png"), "not a picture");
        File.Delete(At("fields.png"));
        var page = Report("run");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain("metrics.jsonl: 2 damaged lines are left out")
                .And.Contain("baseline/run.json is damaged").And.Contain("fields.png is not in the folder"));
            Assert.That(page.Descendants(Xhtml + "figure").Select(f => f.Value), Has.Some.Contain("functions.png can't be shown"));
            Assert.That(page.Descendants(Xhtml + "img"), Is.Empty);
            Assert.That(Curves(page), Has.Length.EqualTo(4));
        });
        File.WriteAllText(At("report.json"), "{\"started\":\"2026-01-01T00:00:00Z\",\"entries\":[null]}");
        Assert.That(Report("run").Descendants(Xhtml + "header").Single().Value, Does.Contain("report.json is damaged"));
    }

    // Before there were journals a run left only these.
    [Test]
    public void FoldersOfOlderRunsHaveAPageToo()
    {
        SampleRun.Write(_folder["run"]);
        File.Delete(_folder["run/report.json"]);
        File.WriteAllText(_folder["run/claim.json"], """
            {"claim": {"paper": "fno", "metric": "relative L2", "value": 0.5, "threshold": 0.025, "baseline": null,
             "conditions": [{"text": "small", "holds": false}]}, "verdict": "FAIL", "size": "smoke", "device": "cpu", "seed": 0, "seconds": 75.2, "arguments": []}
            """);
        var page = Report("run");
        Assert.Multiple(() =>
        {
            Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain("FAIL").And.Contain("1 min 15 s").And.Contain("relative L2 0.5"));
            Assert.That(page.Descendants(Xhtml + "img").Select(i => i.Attribute("alt")!.Value), Is.EqualTo(["fields", "functions"]));
            Assert.That(page.Descendants(Xhtml + "pre").Single().Value, Is.EqualTo("dotnet /somewhere/Program.dll --width 'a b'"));
        });
        foreach (var name in new[] { "claim.json", "run.json" }) File.Delete(_folder["run/" + name]);
        Assert.That(Curves(Report("run")), Has.Length.EqualTo(4), "metrics alone are enough");
    }

    [Test]
    public void TrainingsOfAnEarlierRunInTheSameFolderAreNotThisOnes()
    {
        SampleRun.Write(_folder["run"]);
        (SampleRun.Record("old", 1, 1) with { Started = DateTimeOffset.Now.AddHours(-1) }).Write(Directory.CreateDirectory(_folder["run/old"]).FullName);
        var page = Report("run");
        Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain("left out, because of an earlier run in this folder: old"));
        Assert.That(Rows(page, 1), Has.Length.EqualTo(3));
    }

    [Test]
    public void FilesOutsideTheFolderAreNotShown()
    {
        SampleRun.Write(_folder["run"]);
        new LinePlot { Series = [new("", [1, 2])] }.Save(_folder["secret.png"]);
        var text = File.ReadAllText(_folder["run/report.json"]);
        foreach (var path in new[] { "../secret.png", _folder["secret.png"] })
        {
            File.WriteAllText(_folder["run/report.json"], text.Replace("\"functions.png\"", $"\"{path}\""));
            Assert.That(Report("run").Descendants(Xhtml + "img").Count(), Is.EqualTo(1), path);
        }
    }

    [Test]
    public void LargePicturesAndLongRunsStaySmall()
    {
        new LinePlot { Series = [new("", [1, 2])] }.Save(_folder["large.png"], 1500, 300);
        SampleRun.Training(_folder.Path, "fno", steps: 200_000, width: 1, seed: 1, spike: 1000);
        var path = RunReport.Write(_folder.Path);
        var page = Parse(path);
        var image = page.Descendants(Xhtml + "img").Single();
        using var bitmap = SKBitmap.Decode(Convert.FromBase64String(image.Attribute("src")!.Value.Split(',')[1]));
        Assert.Multiple(() =>
        {
            Assert.That((bitmap.Width, bitmap.Height), Is.EqualTo((1600, 320)));
            Assert.That((image.Attribute("width")!.Value, image.Attribute("height")!.Value), Is.EqualTo(("1500", "300")));
            Assert.That(new FileInfo(path).Length, Is.LessThan(500_000));
            // The spike of a single step reaches to the top of its plot.
            var plot = page.Descendants(Xhtml + "figure").First(f => f.Value.StartsWith("loss", StringComparison.Ordinal));
            Assert.That(plot.Value, Does.Contain("1000").Or.Contain("10³"));
        });
    }

    [Test]
    public void OfHundredsOfQuantitiesTheFirstAreDrawnAndTheRestCounted()
    {
        using (var log = new MetricsLog(_folder["metrics.jsonl"]))
            for (var step = 0; step < 3; step++) log.Write(step, 0, Enumerable.Range(0, 100).Select(i => KeyValuePair.Create($"layer {i}", (double)step)));
        var page = Report("");
        Assert.That(Curves(page), Has.Length.EqualTo(18));
        Assert.That(page.Descendants(Xhtml + "p").Select(p => p.Value), Does.Contain("82 further quantities are in metrics.jsonl."));
    }

    [Test]
    public void AComparisonShowsWhatDiffersAndOnlyThat()
    {
        SampleRun.Write(_folder["x/fno"]);
        SampleRun.Write(_folder["y/fno"], error: 0.05, width: 64);
        SampleRun.Write(_folder["z"], outcome: RunOutcome.Failed, failure: "no space left");
        var page = Compare("x/fno", "y/fno", "z");
        var differences = page.Descendants(Xhtml + "section").Single(s => s.Value.StartsWith("What differs", StringComparison.Ordinal));
        var parent = Path.GetFileName(_folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(differences.Descendants(Xhtml + "tr").Select(r => string.Join('|', r.Elements().Select(c => c.Value))),
                Is.EqualTo(new[] { $"setting|x/fno|y/fno|{parent}/z", "fno.width|32|64|32" }));
            Assert.That(page.Descendants(Xhtml + "strong").Select(s => s.Value), Is.EqualTo(["PASS", "FAIL"]), "of the claims; the third has none");
            Assert.That(Rows(page, 0).Skip(1).Select(r => string.Join('|', r.Split('|')[..4])), Is.EqualTo(new[]
            {
                "x/fno|PASS|burgers relative L2 at 256|0.0137", "y/fno|FAIL|burgers relative L2 at 256|0.05", $"{parent}/z|FAILED||",
            }));
            Assert.That(page.Descendants(Xhtml + "pre").First().Value, Is.EqualTo($"{parent}/z: no space left"));
            Assert.That(page.Descendants(Xhtml + "img").Count(), Is.EqualTo(6));
            Assert.That(page.Descendants(Xhtml + "figure").Count(), Is.EqualTo(6 + (2 * 4)));
            Assert.That(page.Descendants(Xhtml + "header").Single().Value, Does.Contain("x/fno").And.Contain("baseline"));
        });
    }

    [Test]
    public void FoldersThatAreNoRunsAreRefused()
    {
        SampleRun.Write(_folder["runs/one"]);
        Assert.Multiple(() =>
        {
            Assert.That(() => RunReport.Write(_folder["nowhere"]), Throws.ArgumentException.With.Message.Contains("There is no folder"));
            Assert.That(() => RunReport.Write(_folder.Path), Throws.ArgumentException.With.Message.Contains("is no run's folder"));
            Assert.That(() => RunReport.Write(_folder["runs"]), Throws.ArgumentException.With.Message.Contains("In it are").And.Message.Contains("one"));
            Assert.That(() => RunReport.WriteComparison([_folder["runs/one"]], _folder["c.html"]), Throws.ArgumentException.With.Message.Contains("at least two"));
            Assert.That(() => RunReport.WriteComparison([_folder["runs/one"], _folder["runs/one"] + "/"], _folder["c.html"]),
                Throws.ArgumentException.With.Message.Contains("twice"));
            Assert.That(_folder.Files, Is.Empty);
        });
    }

    [Test]
    public void ATrainersFolderIsEnough([Values] RunOutcome outcome)
    {
        using var scope = torch.NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var steps = 0;
        var trainer = new Trainer(Regression.Net(), new TrainerOptions { Directory = _folder["run"], Epochs = 3, BatchSize = 8 })
        {
            Step = Steps.Supervised((p, y) =>
            {
                if (++steps == 15 && outcome == RunOutcome.Failed) throw new InvalidOperationException("out of <memory>");
                if (steps == 15 && outcome == RunOutcome.Stopped) stop.Cancel();
                return Regression.MeanSquare(p, y);
            }),
        };
        void Fit() => trainer.Fit(Regression.Data(64), Regression.Data(16), stop.Token);
        if (outcome == RunOutcome.Finished) Fit();
        else if (outcome == RunOutcome.Failed) Assert.That(Fit, Throws.InstanceOf<TrainingException>());
        else Assert.That(Fit, Throws.InstanceOf<OperationCanceledException>());
        var record = RunRecord.Read(_folder["run"]);
        var page = Report("run");
        Assert.Multiple(() =>
        {
            Assert.That(record.Outcome, Is.EqualTo(outcome));
            Assert.That(record.Ended, Is.GreaterThanOrEqualTo(record.Started));
            Assert.That(record.Error, outcome == RunOutcome.Failed ? Does.Contain("out of <memory>") : Is.Null);
            Assert.That(page.Descendants(Xhtml + "strong").First().Value, Is.EqualTo(outcome.ToString().ToUpperInvariant()));
            Assert.That(Curves(page), Is.SupersetOf(new[] { "samples per second", "memory (MB)" }));
            var speeds = MetricsLog.Read(_folder["run/metrics.jsonl"]).Where(r => r.Values.ContainsKey("samples_per_second")).ToList();
            Assert.That(speeds.Select(r => r.Values["samples_per_second"]), Is.All.Positive);
            var sizes = MetricsLog.Read(_folder["run/metrics.jsonl"]).Where(r => r.Values.ContainsKey("memory_bytes")).ToList();
            Assert.That(sizes.Select(r => r.Values["memory_bytes"]), Is.Not.Empty.And.All.GreaterThan(1e7));
        });
    }

    [Test]
    public void AJournalsTablesAreRectangles() =>
        Assert.That(() => new RunJournal(_folder.Path).Table(null, ["a", "b"], [[1, 2], [3]]), Throws.ArgumentException.With.Message.Contains("A row of 2 cells"));

    private XDocument Report(string run) => Parse(RunReport.Write(_folder[run]));

    private XDocument Compare(params string[] runs) => Parse(RunReport.WriteComparison([.. runs.Select(r => _folder[r])], _folder["comparison.html"]));

    // HTML that is XML too: one parser, and a strict one.
    private static XDocument Parse(string path)
    {
        using var reader = XmlReader.Create(new StringReader(File.ReadAllText(path, Encoding.UTF8)), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    private static string[] Rows(XDocument page, int table) => [.. page.Descendants(Xhtml + "table").ElementAt(table).Descendants(Xhtml + "tr")
        .Select(r => string.Join('|', r.Elements().Select(c => c.Value)))];

    private static string[] Curves(XDocument page) => [.. page.Descendants(Xhtml + "figure").Where(f => f.Attribute("class") is null)
        .Select(f => f.Element(Xhtml + "figcaption")!.Value)];
}
