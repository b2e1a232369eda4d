using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Data.Images;
using TorchZoo.Data.Sources;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Images;

public class FashionMnistTests
{
    private static DatasetSearch Local => new() { MayDownload = false };

    private static LabelledImages Load()
    {
        try { return FashionMnist.Load(search: Local); }
        catch (DatasetNotFoundException)
        {
            Assert.Ignore("Fashion-MNIST is not on this machine: install dataset-fashion-mnist");
            throw;
        }
    }

    [Test]
    public void TheWholeSetIsThere()
    {
        using var scope = NewDisposeScope();
        var data = Load();
        var (train, test) = (data.Train, data.Test);
        Assert.Multiple(() =>
        {
            Assert.That(train.Inputs.shape, Is.EqualTo(new long[] { 60000, 1, 28, 28 }));
            Assert.That(test.Inputs.shape, Is.EqualTo(new long[] { 10000, 1, 28, 28 }));
            Assert.That(train.Inputs.dtype, Is.EqualTo(ScalarType.Float32));
            Assert.That(train.Targets.dtype, Is.EqualTo(ScalarType.Int64));
            Assert.That(train.Inputs.min().item<float>(), Is.Zero);
            Assert.That(train.Inputs.max().item<float>(), Is.EqualTo(1));
            Assert.That(train.Inputs.mean().item<float>(), Is.EqualTo(FashionMnist.Mean).Within(1e-4));
            Assert.That(train.Inputs.std().item<float>(), Is.EqualTo(FashionMnist.Std).Within(1e-4));
            Assert.That(train.Targets.bincount(null).data<long>().ToArray(), Is.EqualTo(Enumerable.Repeat(6000L, 10)));
            Assert.That(test.Targets.bincount(null).data<long>().ToArray(), Is.EqualTo(Enumerable.Repeat(1000L, 10)));
            Assert.That(data.ClassNames, Has.Count.EqualTo(10));
            // As the authors' own picture shows them.
            Assert.That(data.ClassNames[(int)train.Targets[0].item<long>()], Is.EqualTo("Ankle boot"));
            Assert.That(data.ClassNames[(int)test.Targets[1].item<long>()], Is.EqualTo("Pullover"));
        });
    }

    [Test]
    public void OptionsAreHeeded()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var generator = new Generator(2);
        Write(folder, randint(0, 256, [40, 28, 28], ScalarType.Byte, generator: generator),
            arange(40, dtype: ScalarType.Byte).remainder(10));
        var search = Local with { Folder = folder.Path };
        var plain = FashionMnist.Load(new() { Train = 30, Test = 20 }, search);
        var rows = FashionMnist.Load(new() { Train = 30, Mean = FashionMnist.Mean, Std = FashionMnist.Std, Flatten = true }, search);
        Assert.Multiple(() =>
        {
            Assert.That((plain.Train.Count, plain.Test.Count, rows.Test.Count), Is.EqualTo((30L, 20L, 40L)));
            Assert.That(rows.Train.Inputs.shape, Is.EqualTo(new long[] { 30, 784 }));
            Assert.That(rows.Train.Inputs.allclose((plain.Train.Inputs.flatten(1) - FashionMnist.Mean) / FashionMnist.Std, 1e-6, 1e-6));
            Assert.That(rows.Train.Targets.Equals(plain.Train.Targets));
        });
        Assert.That(() => FashionMnist.Load(new() { Train = 41 }, search),
            Throws.ArgumentException.With.Message.Contains("40 training images"));
    }

    [Test]
    public void AFolderOfTheSameFormWillDo()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var generator = new Generator(1);
        var (images, labels) = (randint(0, 256, [7, 28, 28], ScalarType.Byte, generator: generator), arange(7, dtype: ScalarType.Byte));
        Write(folder, images, labels);
        var data = FashionMnist.Load(search: Local with { Folder = folder.Path });
        Assert.That(data.Train.Inputs.squeeze(1).mul(255).round().to(ScalarType.Byte).Equals(images));
        Assert.That(data.Test.Targets.Equals(labels.to(ScalarType.Int64)));
        Assert.That(() => FashionMnist.Load(new() { Test = 8 }, Local with { Folder = folder.Path }),
            Throws.ArgumentException.With.Message.Contains("7 test images"));
    }

    [Test]
    public void FilesOfAnotherFormAreRefused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var (images, labels) = (zeros([3, 28, 28], ScalarType.Byte), zeros([3], ScalarType.Byte));
        Refuse(zeros([3, 28, 27], ScalarType.Byte), labels, "train-images");
        Refuse(zeros([3, 784], ScalarType.Byte), labels, "train-images");
        Refuse(zeros([3, 28, 28], ScalarType.Float32), labels, "train-images");
        Refuse(images, zeros([2], ScalarType.Byte), "train-labels");
        Refuse(images, zeros([3, 1], ScalarType.Byte), "train-labels");
        Refuse(images, full([3], 10, dtype: ScalarType.Byte), "train-labels");

        void Refuse(Tensor images, Tensor labels, string file)
        {
            Write(folder, images, labels);
            Assert.That(() => FashionMnist.Load(search: Local with { Folder = folder.Path }),
                Throws.TypeOf<InvalidDataException>().With.Message.Contains(file));
        }
    }

    [Test]
    public void TensorsBelongToTheCaller()
    {
        using var folder = new TemporaryFolder();
        using (NewDisposeScope()) Write(folder, zeros([3, 28, 28], ScalarType.Byte), zeros([3], ScalarType.Byte));
        var data = FashionMnist.Load(search: Local with { Folder = folder.Path });
        Assert.That(data.Train.Inputs.IsInvalid, Is.False);
        data.Dispose();
        Assert.That(new[] { data.Train.Inputs, data.Train.Targets, data.Test.Inputs, data.Test.Targets }.All(t => t.IsInvalid));
    }

    // Unpacked, as other tools leave them.
    private static void Write(TemporaryFolder folder, Tensor images, Tensor labels)
    {
        foreach (var part in new[] { "train", "t10k" })
        {
            IdxFile.Save(folder[$"{part}-images-idx3-ubyte"], images);
            IdxFile.Save(folder[$"{part}-labels-idx1-ubyte"], labels);
        }
    }
}
