using NUnit.Framework;
using SkiaSharp;
using TorchZoo.Reports;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Reports;

public class CurvePictureTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void CurvesAreWhereTheirNumbersAre()
    {
        double[] x = [-4, 4], y = [-4, 4], gap = [double.NaN, double.PositiveInfinity];
        new CurvePicture
        {
            Panels =
                [new("rising", new Series("", x, y)), new("none", new Series("", x, gap)), new("far", new Series("", x, [1e300, 1e300]))],
            Columns = 2,
            PanelSize = 80,
            YRange = (-4, 4),
        }.Save(_folder["a.png"]);
        using var picture = SKBitmap.Decode(_folder["a.png"]);
        // At two pixels a point: margins of 16, titles of 14, frames of 80, gaps of 8.
        Assert.Multiple(() =>
        {
            Assert.That((picture.Width, picture.Height), Is.EqualTo((2 * (2 * 80 + 8 + 32), 2 * (2 * (14 + 80 + 8) + 32))));
            Assert.That(IsBlue(16 + 60, 30 + 20), "right of the middle, above");
            Assert.That(IsBlue(16 + 20, 30 + 60), "left of the middle, below");
            Assert.That(IsBlue(16 + 20, 30 + 20), Is.False);
            Assert.That(Enumerable.Range(0, 80).Any(i => IsBlue(16 + 88 + i, 30 + 80 - i)), Is.False, "nothing of what isn't finite");
        });

        bool IsBlue(int x, int y) => picture.GetPixel(2 * x, 2 * y) is var c && c.Blue > c.Red + 50;
    }

    [Test]
    public void CaptionsMakeRoom()
    {
        CurvePanel panel = new("a title that is much too long for a small frame", new Series("", [0, 1]));
        int Height(string caption)
        {
            new CurvePicture { Title = "title", Panels = [panel with { Caption = caption }] }.Save(_folder["a.png"]);
            using var picture = SKBitmap.Decode(_folder["a.png"]);
            return picture.Height;
        }
        Assert.That(Height("many words that need some lines below it"), Is.GreaterThan(Height("")));
    }

    [Test]
    public void BadInput() => Assert.Multiple(() =>
    {
        var path = _folder["a.png"];
        CurvePanel[] panels = [new("", new Series("", [1]))];
        Assert.That(() => new CurvePicture { Panels = [] }.Save(path), Throws.ArgumentException);
        Assert.That(() => new CurvePicture { Panels = panels, Columns = 0 }.Save(path), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new CurvePicture { Panels = panels, PanelSize = 0 }.Save(path), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new CurvePicture { Panels = panels, XRange = (1, 1) }.Save(path), Throws.ArgumentException);
        Assert.That(() => new CurvePicture { Panels = panels, YRange = (1, 0) }.Save(path), Throws.ArgumentException);
        Assert.That(() => new CurvePicture { Panels = [new("", new Series("", [1], []))] }.Save(path), Throws.ArgumentException);
        Assert.That(File.Exists(path), Is.False);
    });
}
