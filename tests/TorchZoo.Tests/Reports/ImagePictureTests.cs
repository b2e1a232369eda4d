using NUnit.Framework;
using SkiaSharp;
using TorchZoo.Reports;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Reports;

public class ImagePictureTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void ColoursAreThoseOfTheImage()
    {
        using var scope = NewDisposeScope();
        // Red, green, and blue out of range; a grey image whose second pixel isn't known.
        var colors = tensor(new[] { 1.0, 0, -1, 0, 0.5, 0, 0, 0, 7 }, [3, 1, 3]);
        var grey = tensor(new[,] { { 0.2f }, { float.NaN } });
        new ImagePicture { Rows = [[new("", colors), new("", grey)]], PanelSize = 30 }.Save(_folder["a.png"]);
        using var picture = SKBitmap.Decode(_folder["a.png"]);
        Assert.Multiple(() =>
        {
            // At two pixels a point, behind a margin of 16 points: three pixels of 20, a gap of 8 points, then one column of 30.
            Assert.That(At(42, 42), Is.EqualTo(new SKColor(255, 0, 0)));
            Assert.That(At(62, 42), Is.EqualTo(new SKColor(0, 128, 0)));
            Assert.That(At(82, 42), Is.EqualTo(new SKColor(0, 0, 255)));
            Assert.That(At(120, 42), Is.EqualTo(new SKColor(51, 51, 51)));
            Assert.That(At(120, 72), Is.EqualTo(new SKColor(0xBB, 0xBB, 0xBB)));
            Assert.That(At(5, 5), Is.EqualTo(SKColors.White));
        });

        SKColor At(int x, int y) => picture.GetPixel(x, y);
    }

    [Test]
    public void RowsOfOtherLengthsAndTitlesFit()
    {
        using var scope = NewDisposeScope();
        ImagePanel panel = new("a long title over a small image", zeros(300, 500)), small = new("", ones(1, 2, 2));
        new ImagePicture { Title = "title", Rows = [[panel, panel], [small]] }.Save(_folder["a.png"]);
        Assert.That(SKBitmap.Decode(_folder["a.png"]).Width, Is.GreaterThan(2 * 2 * 128));
    }

    [Test]
    public void WhatIsNoImageIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => new ImagePanel("", zeros(2, 3, 3)), Throws.ArgumentException);
            Assert.That(() => new ImagePanel("", zeros(3)), Throws.ArgumentException);
            Assert.That(() => new ImagePanel("", zeros(3, 0, 3)), Throws.ArgumentException);
            Assert.That(() => new ImagePicture { Rows = [] }.Save(_folder["a.png"]), Throws.ArgumentException);
        });
        Assert.That(_folder.Files, Is.Empty);
    }
}
