using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class ArrayFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    // What the original tool reads out of the same file.
    [Test, Category("Golden")]
    [TestCase("matlab/level5.mat", "matlab/level5.npz")]
    [TestCase("matlab/level5_compressed.mat", "matlab/level5.npz")]
    [TestCase("matlab/big_endian.mat", "matlab/big_endian.npz")]
    [TestCase("matlab/level73.mat", "matlab/level73.npz")]
    [TestCase("hdf5/earliest.h5", "hdf5/expected.npz")]
    [TestCase("hdf5/latest.h5", "hdf5/expected.npz")]
    public void ReadsWhatTheOriginalToolReads(string path, string expected)
    {
        using var scope = NewDisposeScope();
        using var file = ArrayFile.Open(TestData.PathOf(path));
        var truth = NpzFile.Load(TestData.PathOf(expected));
        Assert.That(file.Arrays.Select(a => a.Name).Where(n => n != "big_endian"), Is.EquivalentTo(truth.Keys.Select(k => k.Replace('|', '/'))));
        Assert.Multiple(() =>
        {
            foreach (var (key, array) in truth)
            {
                var info = file[key.Replace('|', '/')];
                var read = file.Read(info.Name);
                Assert.That(info.Shape, Is.EqualTo(array.shape), info.Name);
                Assert.That(read.shape, Is.EqualTo(array.shape), info.Name);
                Assert.That(read.dtype, Is.EqualTo(info.Dtype), info.Name);
                // scipy gives an array of doubles that is stored in fewer bytes in that type.
                if (path != "matlab/big_endian.mat" && info.Name != "mask") Assert.That(info.Dtype, Is.EqualTo(array.dtype), info.Name);
                Assert.That(Same(read, array), info.Name);
                if (info.Shape.Count > 0) AssertRanges(file, info, read);
            }
        });
    }

    [Test]
    public void TextsAndOthersAreNamed()
    {
        using var level5 = ArrayFile.Open(TestData.PathOf("matlab/level5.mat"));
        using var level73 = ArrayFile.Open(TestData.PathOf("matlab/level73.mat"));
        using var hdf5 = ArrayFile.Open(TestData.PathOf("hdf5/latest.h5"));
        Assert.Multiple(() =>
        {
            Assert.That(level5.Texts["text"], Is.EqualTo("Grüße"));
            Assert.That(level5.Texts["cells[1]"], Is.EqualTo("text"));
            Assert.That(level73.Texts["text"], Is.EqualTo("Grüße"));
            Assert.That(hdf5.Texts["text"], Is.EqualTo("not numbers"));
            Assert.That(() => level5.Read("sparse"), Throws.ArgumentException.With.Message.Contains("sparse matrix"));
            Assert.That(() => level5.Read("text"), Throws.ArgumentException.With.Message.Contains("text"));
            Assert.That(() => hdf5.Read("big_endian"), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("most significant"));
            Assert.That(() => level5.Read("cubes"), Throws.ArgumentException.With.Message.Contains("cube (2, 3, 4)"));
        });
    }

    [Test]
    public void RangesAreChecked()
    {
        using var file = ArrayFile.Open(TestData.PathOf("hdf5/latest.h5"));
        Assert.Multiple(() =>
        {
            Assert.That(() => file.Read("float64", -1, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => file.Read("float64", 0, 4), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => file.Read("float64", 4, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => file.Read("scalar", 0, 1), Throws.ArgumentException);
            Assert.That(file.Read("scalar").item<double>(), Is.EqualTo(2.5));
        });
    }

    [Test]
    public void NumPysFilesAreRead([Values(false, true)] bool compress)
    {
        using var scope = NewDisposeScope();
        var arrays = new Dictionary<string, Tensor>
        {
            ["a"] = arange(60, ScalarType.Float32).reshape(5, 4, 3),
            ["b"] = arange(40_000, ScalarType.Int16).reshape(400, 100),
            ["c"] = tensor(3.0),
            ["fortran"] = arange(24, ScalarType.Float64).reshape(4, 6).t(),
        };
        NpzFile.Save(_folder["a.npz"], arrays, compress);
        using (var file = ArrayFile.Open(_folder["a.npz"])) AssertHolds(file, arrays);
        foreach (var (name, array) in arrays)
        {
            NpyFile.Save(_folder[$"{name}.npy"], array);
            using var single = ArrayFile.Open(_folder[$"{name}.npy"]);
            AssertHolds(single, new Dictionary<string, Tensor> { ["array"] = array });
        }
    }

    [Test]
    public void SafetensorsAreRead()
    {
        using var scope = NewDisposeScope();
        var arrays = new Dictionary<string, Tensor> { ["a"] = arange(60, ScalarType.Float32).reshape(5, 4, 3), ["c"] = tensor(3.0), ["none"] = zeros(0, 3) };
        SafetensorsFile.Save(_folder["a.safetensors"], arrays);
        using var file = ArrayFile.Open(_folder["a.safetensors"]);
        AssertHolds(file, arrays);
    }

    [Test]
    public void ObjectsOfPythonAreNotRead()
    {
        using var file = ArrayFile.Open(TestData.PathOf("npz/antiderivative_aligned_train.npz"));
        Assert.Multiple(() =>
        {
            Assert.That(file["y"].Shape, Is.EqualTo(new long[] { 6, 20 }));
            Assert.That(() => file.Read("X"), Throws.ArgumentException.With.Message.Contains("pickle"));
        });
    }

    [Test]
    public void OtherFilesAreRefused([Values("", "PK", "GIF89a and so on", "MATLAB 5.0 MAT-file")] string content)
    {
        File.WriteAllText(_folder["a.bin"], content);
        Assert.That(() => ArrayFile.Open(_folder["a.bin"]), Throws.InstanceOf<InvalidDataException>().With.Message.StartsWith(_folder["a.bin"]));
        Assert.That(() => ArrayFile.Open(_folder["none.mat"]), Throws.InstanceOf<FileNotFoundException>());
    }

    private static void AssertHolds(ArrayFile file, IReadOnlyDictionary<string, Tensor> arrays)
    {
        Assert.That(file.Arrays.Select(a => a.Name), Is.EquivalentTo(arrays.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (name, array) in arrays)
            {
                Assert.That(file[name].Shape, Is.EqualTo(array.shape), name);
                Assert.That(file[name].Dtype, Is.EqualTo(array.dtype), name);
                Assert.That(Same(file.Read(name), array), name);
                if (array.dim() > 0) AssertRanges(file, file[name], array);
            }
        });
    }

    internal static void AssertRanges(ArrayFile file, ArrayInfo info, Tensor all)
    {
        foreach (var (first, count) in new[] { (0L, info.Rows), (0, 0), (info.Rows, 0), (info.Rows / 2, info.Rows - info.Rows / 2), (info.Rows / 3, Math.Min(1, info.Rows)) })
        {
            var read = file.Read(info.Name, first, count);
            Assert.That(read.is_contiguous());
            Assert.That(Same(read, all.narrow(0, first, count)), $"{info.Name} from {first}, {count}");
        }
    }

    internal static bool Same(Tensor a, Tensor b) => a.shape.SequenceEqual(b.shape) && (a.is_complex() && b.is_complex()
        ? Same(view_as_real(a), view_as_real(b))
        : a.to(ScalarType.Float64).allclose(b.to(ScalarType.Float64), 0, 0, equal_nan: true) && (!a.is_integral() || !b.is_integral()
            || a.to(ScalarType.Int64).sub(b.to(ScalarType.Int64)).count_nonzero().item<long>() == 0));
}
