using CsCheck;
using NUnit.Framework;
using SkiaSharp;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class ImageFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void APngComesBackAsItWas([Values(1, 3)] int channels, [Values(1, 7)] int height, [Values(1, 5)] int width)
    {
        using var scope = NewDisposeScope();
        var image = randint(0, 256, [channels, height, width]).to(ScalarType.Float32) / 255;
        ImageFile.Save(_folder["a.png"], image);
        var again = ImageFile.Load(_folder["a.png"], channels == 1 ? ImageChannels.Grey : ImageChannels.Rgb);
        Assert.Multiple(() =>
        {
            Assert.That(again.shape, Is.EqualTo(image.shape));
            Assert.That(again.allclose(image, atol: 1e-6), "every level is kept");
            Assert.That(_folder.Files, Is.EqualTo(new[] { "a.png" }));
        });
    }

    [Test]
    public void AJpegIsNear()
    {
        using var scope = NewDisposeScope();
        var image = linspace(0, 1, 32).reshape(1, 1, 32).expand(3, 16, 32);
        ImageFile.Save(_folder["a.jpg"], image);
        Assert.That((ImageFile.Load(_folder["a.jpg"]) - image).abs().max().item<float>(), Is.LessThan(0.03));
    }

    [Test]
    public void ColoursBecomeGreyByTheirLuma()
    {
        using var scope = NewDisposeScope();
        ImageFile.Save(_folder["a.png"], eye(3).reshape(3, 1, 3)); // red, green, blue
        var grey = ImageFile.Load(_folder["a.png"], ImageChannels.Grey);
        Assert.That(grey.flatten().data<float>().ToArray(), Is.EqualTo(new[] { 0.299f, 0.587f, 0.114f }).Within(1e-6f));
    }

    [Test]
    public void ValuesOutsideTheRangeAreClipped()
    {
        using var scope = NewDisposeScope();
        ImageFile.Save(_folder["a.png"], tensor(new[,] { { -1.0, 2.0 } }));
        Assert.That(ImageFile.Load(_folder["a.png"], ImageChannels.Grey).flatten().data<float>().ToArray(), Is.EqualTo(new[] { 0f, 1f }));
    }

    [Test]
    public void TransparencyDoesNotDarken()
    {
        using (var bitmap = new SKBitmap(new SKImageInfo(1, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul)))
        {
            bitmap.SetPixel(0, 0, new SKColor(200, 100, 50, 128));
            using var stream = File.Create(_folder["a.png"]);
            bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
        }
        using var scope = NewDisposeScope();
        var pixel = ImageFile.Load(_folder["a.png"]).flatten().data<float>().ToArray();
        Assert.That(pixel, Is.EqualTo(new[] { 200 / 255f, 100 / 255f, 50 / 255f }).Within(1.5f / 255));
    }

    // Orientation tags of cameras: the tag and where the stored pixels (rows of 3 bright steps) must come to lie.
    [TestCase(1, ExpectedResult = "abc/def")]
    [TestCase(2, ExpectedResult = "cba/fed")]
    [TestCase(3, ExpectedResult = "fed/cba")]
    [TestCase(4, ExpectedResult = "def/abc")]
    [TestCase(5, ExpectedResult = "ad/be/cf")]
    [TestCase(6, ExpectedResult = "da/eb/fc")]
    [TestCase(7, ExpectedResult = "fc/eb/da")]
    [TestCase(8, ExpectedResult = "cf/be/ad")]
    public string AnImageIsUprightAsItsTagSays(int orientation)
    {
        using var scope = NewDisposeScope();
        // Blocks of 16 pixels survive JPEG's compression.
        var blocks = (arange(6, ScalarType.Float32).reshape(2, 3) * 0.18).repeat_interleave(16, 0).repeat_interleave(16, 1);
        ImageFile.Save(_folder["a.jpg"], blocks, quality: 100);
        File.WriteAllBytes(_folder["b.jpg"], WithOrientation(File.ReadAllBytes(_folder["a.jpg"]), (byte)orientation));
        var image = ImageFile.Load(_folder["b.jpg"], ImageChannels.Grey)[0];
        var rows = image[TensorIndex.Slice(8, null, 16), TensorIndex.Slice(8, null, 16)].contiguous();
        var letters = rows.flatten().data<float>().ToArray().Select(v => "abcdef"[(int)MathF.Round(v / 0.18f)]);
        return string.Join('/', letters.Chunk((int)rows.shape[1]).Select(r => new string(r)));
    }

    [Test, Category("Property")]
    public void ResizingKeepsTheMean() =>
        Gen.Select(Gen.Long[1, 12], Gen.Long[1, 12], Gen.Long[1, 15], Gen.Long[1, 15]).Sample((h, w, height, width) =>
    {
        using var scope = NewDisposeScope();
        var image = rand([2, h, w], ScalarType.Float64);
        var resized = ImageFile.Resize(image, height, width);
        return resized.shape.SequenceEqual([2, height, width]) && resized.mean([1, 2]).allclose(image.mean([1, 2]), 1e-12, 1e-12)
            && resized.min().item<double>() >= image.min().item<double>() - 1e-12
            && resized.max().item<double>() <= image.max().item<double>() + 1e-12;
    }, iter: 100);

    [Test]
    public void ResizingAveragesBlocksAndPartsOfPixels()
    {
        using var scope = NewDisposeScope();
        var image = arange(16, ScalarType.Float64).reshape(4, 4);
        Assert.Multiple(() =>
        {
            Assert.That(ImageFile.Resize(image, 2, 2).flatten().data<double>().ToArray(),
                Is.EqualTo(new[] { 2.5, 4.5, 10.5, 12.5 }).Within(1e-12));
            Assert.That(ImageFile.Resize(image[0].unsqueeze(0), 1, 3).flatten().data<double>().ToArray(),
                Is.EqualTo(new[] { 0.25, 1.5, 2.75 }).Within(1e-12), "(0 + 1/3)/(4/3), (2/3 + 4/3)/(4/3), …");
            Assert.That(ImageFile.CenterSquare(zeros(3, 8, 5)).shape, Is.EqualTo(new long[] { 3, 5, 5 }));
        });
    }

    [Test]
    public void WhatIsNoImageIsRefusedWithItsName()
    {
        using var scope = NewDisposeScope();
        File.WriteAllText(_folder["text.png"], "no image");
        File.WriteAllBytes(_folder["empty.png"], []);
        ImageFile.Save(_folder["whole.png"], rand(3, 64, 64));
        File.WriteAllBytes(_folder["cut.png"], File.ReadAllBytes(_folder["whole.png"])[..2000]);
        Assert.Multiple(() =>
        {
            foreach (var name in new[] { "text.png", "empty.png", "cut.png" })
                Assert.That(() => ImageFile.Load(_folder[name]), Throws.TypeOf<InvalidDataException>().With.Message.Contains(name), name);
            Assert.That(() => ImageFile.Load(_folder["none.png"]), Throws.TypeOf<FileNotFoundException>());
        });
    }

    [Test]
    public void BadArgumentsAreRefusedBeforeAFileIsThere()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => ImageFile.Save(_folder["a.tiff"], zeros(2, 2)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("path"));
            Assert.That(() => ImageFile.Save(_folder["a.png"], zeros(2, 2, 2)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("image"));
            Assert.That(() => ImageFile.Save(_folder["a.png"], zeros(3, 0, 2)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("image"));
            Assert.That(() => ImageFile.Save(_folder["a.png"], full([2, 2], double.NaN)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("image"));
            Assert.That(() => ImageFile.Save(_folder["a.jpg"], zeros(2, 2), 0),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("quality"));
            Assert.That(() => ImageFile.Resize(zeros(2), 1, 1), Throws.ArgumentException.With.Property("ParamName").EqualTo("image"));
            Assert.That(() => ImageFile.Resize(zeros(2, 2), 0, 1),
                Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo("height"));
            Assert.That(() => ImageFile.CenterSquare(zeros(2)), Throws.ArgumentException.With.Property("ParamName").EqualTo("image"));
            Assert.That(_folder.Files, Is.Empty);
        });
    }

    // An EXIF block with the one tag 0x0112, after the two bytes that begin a JPEG.
    private static byte[] WithOrientation(byte[] jpeg, byte orientation) =>
    [
        .. jpeg[..2],
        0xFF, 0xE1, 0x00, 0x22, (byte)'E', (byte)'x', (byte)'i', (byte)'f', 0, 0,
        (byte)'M', (byte)'M', 0x00, 0x2A, 0, 0, 0, 8,
        0x00, 0x01, 0x01, 0x12, 0x00, 0x03, 0, 0, 0, 1, 0x00, orientation, 0, 0, 0, 0, 0, 0,
        .. jpeg[2..],
    ];
}
