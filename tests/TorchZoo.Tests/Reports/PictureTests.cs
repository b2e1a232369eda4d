using NUnit.Framework;
using SkiaSharp;
using TorchSharp;
using TorchZoo.Reports;

namespace TorchZoo.Tests.Reports;

public class PictureTests
{
    private string _path = null!;

    [SetUp]
    public void Open() => _path = Path.Combine(Directory.CreateTempSubdirectory("torchzoo").FullName, "picture.png");

    [TearDown]
    public void Close() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Test]
    public void EveryLetterOfALabelIsInTheFont([Values("0123456789", "relative L² error", "ν = 10⁻³", "∂u/∂t + u·∂u/∂x",
        "α β γ μ σ τ ψ ω ≤ ≥ ≈ × √ ∞ − – … ‖ °")] string text)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Lettering.Regular.GetGlyphs(text), Has.None.EqualTo((ushort)0), "regular");
            Assert.That(Lettering.Bold.GetGlyphs(text), Has.None.EqualTo((ushort)0), "bold");
        });
    }

    // The only difference between the two pictures is text: if no letters were drawn they would be equal.
    [Test]
    public void LabelsAreDrawn()
    {
        new LinePlot { Title = "AAAA", Series = [new("", [1, 2])] }.Save(_path);
        var first = File.ReadAllBytes(_path);
        new LinePlot { Title = "BBBB", Series = [new("", [1, 2])] }.Save(_path);
        Assert.That(File.ReadAllBytes(_path), Is.Not.EqualTo(first));
    }

    [Test]
    public void PlotsOfAGridAreAllThere()
    {
        var plot = new LinePlot { Title = "title", Series = [new("a", [0, 1, 2], [1, 0, 1])] };
        LinePlot.SaveGrid(_path, [plot, plot, plot], columns: 2, width: 200, height: 150);
        using var picture = SKBitmap.Decode(_path);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((800, 600)));
        var (first, second) = (Part(0, 0), Part(400, 0));
        Assert.Multiple(() =>
        {
            Assert.That(first, Is.EqualTo(second));
            Assert.That(first, Is.EqualTo(Part(0, 300)));
            Assert.That(Part(400, 300), Is.All.EqualTo(SKColors.White));
            Assert.That(first.Distinct().Count(), Is.GreaterThan(10));
        });

        SKColor[] Part(int x, int y) =>
            [.. from i in Enumerable.Range(y, 300) from j in Enumerable.Range(x, 400) select picture.GetPixel(j, i)];
    }

    [Test]
    public void OddDataArePlotted([Values] bool logX, [Values] bool logY)
    {
        Series[] series = [new("empty", []), new("point", [5], [3]), new("gap", [1, 2, 3], [1, double.NaN, 2]),
            new("not positive", [-1, 0, 1], [-1, 0, 1]),
                           new("infinite", [1, 2], [double.PositiveInfinity, 1]), new("constant", [1, 2, 3], [7, 7, 7])];
        foreach (var part in series.Select(s => new[] { s }).Append([]).Append(series))
            new LinePlot { LogX = logX, LogY = logY, Series = part }.Save(_path, 200, 150);
        Assert.That(SKBitmap.Decode(_path).Width, Is.EqualTo(400));
    }

    [Test]
    public void SeriesOfUnequalLengthAreRefusedAndNothingIsWritten()
    {
        Assert.That(() => new LinePlot { Series = [new("a", [1, 2], [1])] }.Save(_path),
            Throws.ArgumentException.With.Message.Contains("'a' has 2 abscissae and 1"));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(_path)!), Is.Empty);
    }

    [Test]
    public void AFieldIsDrawnRowByRowFromTheTopWithItsOwnColours()
    {
        var values = new float[,] { { 0, 1 }, { 2, float.NaN } };
        new FieldPicture { Rows = [[new("f", values)]], PanelSize = 100 }.Save(_path);
        using var picture = SKBitmap.Decode(_path);
        // Margin 16, panel title 22, two pixels a point: the panel's cells are 100 pixels wide.
        SKColor Cell(int row, int column) => picture.GetPixel((2 * 16) + (100 * column) + 50, (2 * (16 + 22)) + (100 * row) + 50);
        var (low, high) = (ColorScales.Map(ColorScale.Sequential).GetColor(0), ColorScales.Map(ColorScale.Sequential).GetColor(1));
        Assert.Multiple(() =>
        {
            Assert.That(Cell(0, 0), Is.EqualTo(new SKColor(low.Red, low.Green, low.Blue)));
            Assert.That(Cell(1, 0), Is.EqualTo(new SKColor(high.Red, high.Green, high.Blue)));
            Assert.That(Cell(1, 1), Is.EqualTo(new SKColor(0xBB, 0xBB, 0xBB)));
        });
    }

    [Test]
    public void PanelsOfOneScaleHaveTheSameColoursForTheSameValue()
    {
        var (small, large) = (new float[,] { { 0, 1 } }, new float[,] { { 0, 1 }, { 9, 9 } });
        Assert.That(ColourOfOne("u"), Is.EqualTo(ColourOfOne("u", other: true)));
        Assert.That(ColourOfOne(null), Is.Not.EqualTo(ColourOfOne(null, other: true)));

        SKColor ColourOfOne(string? scale, bool other = false)
        {
            FieldPanel[] row = [new("a", small) { Scale = scale }, new("b", large) { Scale = scale }];
            new FieldPicture { Rows = other ? [[row[1], row[0]]] : [row], PanelSize = 100 }.Save(_path);
            using var picture = SKBitmap.Decode(_path);
            return picture.GetPixel((2 * 16) + 150, (2 * (16 + 22)) + 50);
        }
    }

    [Test]
    public void TensorsOfAnyTypeAndLayoutAreFields()
    {
        using var scope = torch.NewDisposeScope();
        var field = torch.arange(6, dtype: torch.float64).reshape(1, 3, 2).transpose(1, 2).requires_grad_();
        var panel = new FieldPanel("f", field);
        Assert.That(panel.Values, Is.EqualTo(new float[,] { { 0, 2, 4 }, { 1, 3, 5 } }));
        Assert.That(() => new FieldPanel("f", torch.zeros(2, 3, 4)), Throws.ArgumentException.With.Message.Contains("(2, 3, 4)"));
    }

    [TestCase(0.0, ExpectedResult = "0")]
    [TestCase(0.025, ExpectedResult = "0.025")]
    [TestCase(12345.0, ExpectedResult = "12345")]
    [TestCase(-3.0, ExpectedResult = "−3")]
    [TestCase(1e-7, ExpectedResult = "10⁻⁷")]
    [TestCase(-1e6, ExpectedResult = "−10⁶")]
    [TestCase(2.5e-12, ExpectedResult = "2.5·10⁻¹²")]
    [TestCase(double.NaN, ExpectedResult = "NaN")]
    public string NumbersAreShort(double value) => Numbers.Short(value);

    [Test]
    public void TicksAreRoundAndWithinTheRange([Values(0.0, -3.7, 1e-9, 12345.678)] double low,
        [Values(1e-9, 0.3, 1.0, 77.0, 1e6)] double size)
    {
        var ticks = Numbers.RoundTicks(low, low + size, 5);
        Assert.Multiple(() =>
        {
            Assert.That(ticks, Has.Length.InRange(2, 8));
            Assert.That(ticks, Is.Ordered.And.All.InRange(low - (size * 1e-6), low + (size * (1 + 1e-6))));
        });
    }
}
