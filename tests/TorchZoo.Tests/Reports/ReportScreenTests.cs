using NUnit.Framework;
using SkiaSharp;
using TorchZoo.Reports;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Reports;

/// <summary>Pages as a real browser shows them, on a phone and a desk, by day and by night.</summary>
public class ReportScreenTests
{
    // Of each text: how its colour stands out from what is behind it (WCAG 2, contrast ratio).
    private const string Contrasts = """
        (() => {
          const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
          const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
          const light = c => .2126 * linear(c[0]) + .7152 * linear(c[1]) + .0722 * linear(c[2]);
          const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
          return [...document.querySelectorAll('main *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
            .map(e => {
              const style = getComputedStyle(e), a = light(parse(e.ownerSVGElement ? style.fill : style.color)), b = light(behind(e));
              return { Text: e.textContent.slice(0, 40), Ratio: (Math.max(a, b) + .05) / (Math.min(a, b) + .05) };
            });
        })()
        """;

    private TemporaryFolder _folder = null!;
    private Browser? _browser;

    [OneTimeSetUp]
    public void Open()
    {
        _folder = new TemporaryFolder();
        _browser = Browser.TryStart();
        SampleRun.Write(_folder["run"]);
        SampleRun.Write(_folder["a run with a long name, " + new string('x', 120)], error: 0.5, width: 64);
        var hard = SampleRun.Journal(_folder["hard"]);
        var word = new string('w', 300);
        hard.Heading(word);
        hard.Say(word);
        hard.Warn(word);
        hard.Note(word, word);
        hard.Table(word, [.. Enumerable.Range(0, 20).Select(i => $"column {i}")], [[.. Enumerable.Range(0, 20).Select(i => (object)(i * 1e5))]]);
        hard.Table("wide", [word], [[word]]);
        new LinePlot { Title = "wide", Series = [new("", [1, 2])] }.Save(_folder["hard/wide.png"], 1500, 200);
        hard.File(_folder["hard/wide.png"], word);
        hard.Claim(new RunClaim(word, 1e-9, 1e-9, double.NaN, "FAIL", [new(word, false)]));
        SampleRun.Training(_folder["hard/" + new string('t', 100)], word, 100, 1, 1);
        hard.End(RunOutcome.Failed, word);
        RunReport.Write(_folder["run"]);
        RunReport.Write(_folder["hard"]);
        RunReport.WriteComparison([_folder["run"], _folder["a run with a long name, " + new string('x', 120)], _folder["hard"]], _folder["comparison.html"]);
    }

    [OneTimeTearDown]
    public void Close()
    {
        _browser?.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void APageFitsEveryScreenAndIsReadableByDayAndByNight(
        [Values("run/report.html", "hard/report.html", "comparison.html")] string name, [Values(390, 1280)] int width, [Values] bool isDark)
    {
        var browser = _browser;
        if (browser is null)
        {
            Assert.Ignore("there is no Chromium on the PATH (Debian: apt-get install chromium)");
            return;
        }
        browser.Show(_folder[name], width, width < 600 ? 844 : 900, isDark);
        using var screen = SKBitmap.Decode(browser.Screenshot());
        var texts = browser.Evaluate<Contrast[]>(Contrasts);
        Assert.Multiple(() =>
        {
            Assert.That(browser.Evaluate<int>("document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(width), "nothing sticks out");
            Assert.That(browser.Evaluate<string[]>("""
                [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg') && e.getBoundingClientRect().right > innerWidth)
                    .map(e => e.tagName + ' ' + e.textContent.slice(0, 20))
                """), Is.Empty);
            Assert.That(browser.Evaluate<double>("(document.querySelector('#verdict > .claim') ?? document.getElementById('verdict')).getBoundingClientRect().bottom"), Is.LessThan(844),
                "the verdict is on the first screen");
            Assert.That(texts, Has.Length.GreaterThan(30));
            Assert.That(texts.Where(t => t.Ratio < 4.5).Select(t => $"{t.Text}: {t.Ratio:F2}"), Is.Empty, "WCAG AA");
            Assert.That(screen.Width, Is.EqualTo(width));
            // The page's edge, left of everything, and the card's, above its first letters.
            Assert.That(Light(screen.GetPixel(2, 300)), isDark ? Is.LessThan(0.15) : Is.GreaterThan(0.9));
            Assert.That(Light(screen.GetPixel(screen.Width / 2, 22)), isDark ? Is.LessThan(0.2) : Is.GreaterThan(0.9));
            Assert.That(Shares(screen, isDark), Is.GreaterThan(0.005), "there is text on it");
            Assert.That(browser.Evaluate<bool>("[...document.images].every(i => i.naturalWidth > 0)"), "pictures are there");
            Assert.That(browser.Evaluate<double>("Math.min(...[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().height))"),
                Is.GreaterThan(150));
            Assert.That(browser.Evaluate<bool>("document.fonts.check('12px \"Zoo Sans\"')"), "the plots' letters");
        });
        Assert.That(browser.Requests.Select(r => r.Split(':')[0]).Distinct(), Is.SubsetOf(new[] { "file", "data", "about" }), "nothing is loaded from elsewhere");
    }

    // Share of pixels that stand out as letters do.
    private static double Shares(SKBitmap screen, bool isDark) =>
        screen.Pixels.Average(p => (isDark ? Light(p) > 0.6 : Light(p) < 0.4) ? 1.0 : 0.0);

    private static double Light(SKColor color) => ((0.2126 * color.Red) + (0.7152 * color.Green) + (0.0722 * color.Blue)) / 255;

    private sealed record Contrast(string Text, double Ratio);
}
