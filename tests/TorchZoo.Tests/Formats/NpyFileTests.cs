using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class NpyFileTests
{
    private static readonly ScalarType[] Types =
    [
        ScalarType.Bool, ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Float16,
        ScalarType.Float32, ScalarType.Float64, ScalarType.ComplexFloat32, ScalarType.ComplexFloat64,
    ];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    // What NumPy says about its own files: file|entry or column|type|shape|values.
    private static IEnumerable<TestCaseData> Expected() => File.ReadLines(Path.Combine(Find(), "expected.txt"))
        .Select(line => new TestCaseData([.. line.Split('|')]).SetArgDisplayNames(string.Join(' ', line.Split('|')[..2])));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "data", "numpy") is var path && Directory.Exists(path))
                return path;
        throw new DirectoryNotFoundException($"No tests/data/numpy in a folder above {AppContext.BaseDirectory}");
    }

    [TestCaseSource(nameof(Expected))]
    public void FilesOfNumPyAreRead(string file, string part, string type, string shape, string values)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(Find(), file);
        Tensor read;
        if (file.EndsWith(".npz", StringComparison.Ordinal))
        {
            using var archive = NpzFile.Open(path);
            read = archive.Read(part);
        }
        else read = part.Length == 0 ? NpyFile.Load(path) : NpyFile.LoadColumns(path)[part];
        var expected = values.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(v => v.Split(',').Select(x => double.Parse(x, CultureInfo.InvariantCulture)).ToArray())
            .Select(v => new System.Numerics.Complex(v[0], v.Length > 1 ? v[1] : 0)).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(read.dtype.ToString(), Is.EqualTo(type));
            Assert.That(read.shape, Is.EqualTo(shape.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)));
            Assert.That(Values(read), Is.EqualTo(expected));
        });
    }

    [Test]
    public void ObjectsAreRefused() =>
        Assert.That(() => NpyFile.Load(Path.Combine(Find(), "objects.npy")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("pickles"));

    [Test]
    public void WhatIsWrittenIsWhatNumPyWrites([Values("i4", "f2", "b1", "c16", "fortran", "scalar", "empty", "records")] string name)
    {
        using var scope = NewDisposeScope();
        var source = Path.Combine(Find(), name + ".npy");
        if (name == "records")
        {
            // Without byte order and widening, which aren't kept.
            var columns = NpyFile.LoadColumns(source);
            NpyFile.SaveColumns(_folder["a.npy"], columns);
            var again = NpyFile.LoadColumns(_folder["a.npy"]);
            Assert.That(again.Keys, Is.EqualTo(columns.Keys));
            foreach (var (column, tensor) in columns) Assert.That(Values(again[column]), Is.EqualTo(Values(tensor)));
            return;
        }
        NpyFile.Save(_folder["a.npy"], NpyFile.Load(source));
        // NumPy leaves room for the first size to grow, so that headers are longer.
        byte[] ours = File.ReadAllBytes(_folder["a.npy"]), theirs = File.ReadAllBytes(source);
        Assert.Multiple(() =>
        {
            Assert.That(Split(ours).Text, Is.EqualTo(Split(theirs).Text));
            Assert.That(Split(ours).Data, Is.EqualTo(Split(theirs).Data));
            Assert.That((ours.Length - Split(ours).Data.Length) % 64, Is.Zero);
        });

        static (string Text, byte[] Data) Split(byte[] file)
        {
            var length = BitConverter.ToUInt16(file, 8);
            return (Encoding.Latin1.GetString(file, 10, length).TrimEnd(), file[(10 + length)..]);
        }
    }

    [Test, Category("Property")]
    public void WhatWasWrittenIsRead([Values("a.npy", "stored.npz", "deflated.npz")] string name) =>
        Gen.Select(Gen.Long[0, 5].Array[0, 5], Gen.Int[0, Types.Length - 1].Select(i => Types[i]), Gen.Int[0, 2], Gen.Long)
        .Sample((shape, type, strides, seed) =>
        {
            using var scope = NewDisposeScope();
            var tensor = Random(shape, type, seed);
            if (strides == 1 && tensor.dim() > 1) tensor = tensor.transpose(0, 1);
            if (strides == 2) tensor = tensor.permute([.. Enumerable.Range(0, (int)tensor.dim()).Reverse().Select(a => (long)a)]);
            Tensor read;
            if (name == "a.npy")
            {
                NpyFile.Save(_folder[name], tensor);
                read = NpyFile.Load(_folder[name]);
            }
            else
            {
                NpzFile.Save(_folder[name], new Dictionary<string, Tensor> { ["first"] = tensor, ["größe/2"] = zeros(3) }, name[0] == 'd');
                var all = NpzFile.Load(_folder[name]);
                Assert.That(all.Keys, Is.EqualTo(["first", "größe/2"]));
                read = all["first"];
            }
            Assert.That(read.shape, Is.EqualTo(tensor.shape));
            Assert.That(read.dtype, Is.EqualTo(type));
            Assert.That(Values(read), Is.EqualTo(Values(tensor)));
        }, iter: 80, threads: 1);

    [Test, Category("Property")]
    public void RowsAreThoseOfTheWhole() =>
        Gen.Select(Gen.Long[0, 6].Array[1, 4], Gen.Bool, Gen.Double[0, 1], Gen.Double[0, 1], Gen.Long).Sample((shape, isFortran, start, share, seed) =>
        {
            using var scope = NewDisposeScope();
            var tensor = Random(shape, ScalarType.Int32, seed);
            if (isFortran) tensor = tensor.permute([.. Enumerable.Range(0, (int)tensor.dim()).Reverse().Select(a => (long)a)]);
            NpyFile.Save(_folder["a.npy"], tensor);
            using var file = NpyFile.Open(_folder["a.npy"]);
            Assert.That(file.Shape, Is.EqualTo(tensor.shape));
            var first = (long)(start * tensor.shape[0]);
            var count = (long)(share * (tensor.shape[0] - first + 1));
            if (first + count > tensor.shape[0]) count = tensor.shape[0] - first;
            Assert.That(Values(file.Read(first, count)), Is.EqualTo(Values(tensor.narrow(0, first, count))));
            Assert.That(() => file.Read(first, tensor.shape[0] - first + 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => file.Read(-1, 1), Throws.InstanceOf<ArgumentException>());
        }, iter: 80, threads: 1);

    [Test]
    public void ManyPiecesKeepTheirOrder()
    {
        using var scope = NewDisposeScope();
        var t = arange(200_001, dtype: ScalarType.Int64);
        var x = t.remainder(128).to(ScalarType.Int16);
        NpyFile.SaveColumns(_folder["a.npy"], new Dictionary<string, Tensor> { ["t"] = t, ["x"] = x });
        var read = NpyFile.LoadColumns(_folder["a.npy"]);
        using var file = NpyFile.Open(_folder["a.npy"]);
        Assert.Multiple(() =>
        {
            Assert.That(read["t"].Equals(t) && read["x"].Equals(x));
            Assert.That(file.Columns, Is.EqualTo(["t", "x"]));
            Assert.That(file.Dtype, Is.Null);
            Assert.That(file.ReadColumns(150_000, 10)["t"].Equals(t.narrow(0, 150_000, 10)));
            Assert.That(() => file.Read(), Throws.TypeOf<InvalidDataException>());
        });
    }

    [TestCase("<u8", "01000000000000800000000000000000", null)]
    [TestCase("<u8", "FFFFFFFFFFFFFF7F0000000000000000", new[] { 9.223372036854775807e18, 0 })]
    [TestCase(">u4", "FFFFFFFF00000001", new[] { 4294967295d, 1 })]
    [TestCase("|b1", "0207", new[] { 1d, 1 })]
    [TestCase("?", "0001", new[] { 0d, 1 })]
    [TestCase("=i2", "FFFF0100", new[] { -1d, 1 })]
    public void UnusualNumbers(string type, string bytes, double[]? values)
    {
        using var scope = NewDisposeScope();
        File.WriteAllBytes(_folder["a.npy"], Npy($"{{'descr': '{type}', 'fortran_order': False, 'shape': (2,)}}", Convert.FromHexString(bytes)));
        if (values is null) Assert.That(() => NpyFile.Load(_folder["a.npy"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("2⁶³"));
        else Assert.That(NpyFile.Load(_folder["a.npy"]).to(ScalarType.Float64).data<double>().ToArray(), Is.EqualTo(values));
    }

    [TestCase("{\"shape\":(2L,), 'fortran_order':False,'descr':'<i2'}\n")]
    [TestCase("  { 'descr' : '<i2' ,\t'fortran_order' : True , 'shape' : 2 , }  ")]
    public void OtherWritersHeadersAreRead(string header)
    {
        using var scope = NewDisposeScope();
        File.WriteAllBytes(_folder["a.npy"], Npy(header, [1, 0, 2, 0]));
        Assert.That(NpyFile.Load(_folder["a.npy"]).data<short>().ToArray(), Is.EqualTo(new short[] { 1, 2 }));
    }

    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (3,)}", "6 bytes")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}", "2 bytes")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (-2,)}", "negative")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (4611686018427387904, 2)}", "large")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (99999999999999999999,)}", "64 bits")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': 'abc'}", "shape")]
    [TestCase("{'descr': '<i2', 'fortran_order': 0, 'shape': (2,)}", "fortran_order")]
    [TestCase("{'descr': '<i2', 'shape': (2,)}", "keys")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), 'more': 1}", "keys")]
    [TestCase("{'descr': '<i2', 'descr': '<i2', 'shape': (2,)}", "twice")]
    [TestCase("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", "no tensor")]
    [TestCase("{'descr': '<M8[us]', 'fortran_order': False, 'shape': (1,)}", "no tensor")]
    [TestCase("{'descr': '<i3', 'fortran_order': False, 'shape': (1,)}", "no tensor")]
    [TestCase("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", "no tensor")]
    [TestCase("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "pickles")]
    [TestCase("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", "pickles")]
    [TestCase("{'descr': [('a', '<i2'), ('a', '<i2')], 'fortran_order': False, 'shape': (1,)}", "two columns")]
    [TestCase("{'descr': [('a', [('b', '<i4')])], 'fortran_order': False, 'shape': (1,)}", "columns of its own")]
    [TestCase("{'descr': [], 'fortran_order': False, 'shape': (1,)}", "no columns")]
    [TestCase("{'descr': [('a', '<i2', (1000000, 1000000))], 'fortran_order': False, 'shape': (1,)}", "too large")]
    [TestCase("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", "expected a value")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': (2,)} + 1", "expected the end")]
    [TestCase("{'descr': '<i2', 'fortran_order': False, 'shape': ((((((((((((((((((2,),),),),),),),),),),),),),),),),),)}", "within each other")]
    [TestCase("{'descr': '<i2", "early")]
    [TestCase("", "expected '{'")]
    public void DamagedHeadersAreRefused(string header, string reason)
    {
        File.WriteAllBytes(_folder["a.npy"], Npy(header, [1, 0, 2, 0]));
        Assert.That(() => NpyFile.Load(_folder["a.npy"]), Throws.TypeOf<InvalidDataException>()
            .With.Message.StartsWith(_folder["a.npy"]).And.Message.Contains(reason));
    }

    [Test, Category("Property")]
    public void DamagedFilesAreRefusedOrHarmless([Values("records.npy", "fortran.npy", "deflated.npz", "stored.npz")] string name)
    {
        var original = File.ReadAllBytes(Path.Combine(Find(), name));
        Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte, Gen.Bool).Sample((at, value, isCut) =>
        {
            using var scope = NewDisposeScope();
            byte[] bytes = isCut ? original[..at] : [.. original];
            if (!isCut) bytes[at] = value;
            File.WriteAllBytes(_folder[name], bytes);
            try
            {
                if (name == "records.npy") NpyFile.LoadColumns(_folder[name]);
                else if (name == "fortran.npy") NpyFile.Load(_folder[name]);
                else NpzFile.Load(_folder[name]);
                Assert.That(!isCut, "a file that was cut off was read");
            }
            catch (InvalidDataException e) { Assert.That(e.Message, Does.StartWith(_folder[name])); }
        }, iter: 300, threads: 1);
    }

    [Test]
    public void NoMemoryIsAskedForThatAFileCannotFill()
    {
        File.WriteAllBytes(_folder["a.npy"], Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", [0]));
        using (var zip = new ZipArchive(File.Create(_folder["a.npz"]), ZipArchiveMode.Create))
        {
            using var entry = zip.CreateEntry("a.npy").Open();
            entry.Write(Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", [0]));
        }
        Assert.Multiple(() =>
        {
            Assert.That(() => NpyFile.Load(_folder["a.npy"]), Throws.TypeOf<InvalidDataException>());
            Assert.That(() => NpzFile.Load(_folder["a.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a.npz"));
        });
    }

    [Test]
    public void BadArguments()
    {
        using var scope = NewDisposeScope();
        NpyFile.Save(_folder["scalar.npy"], tensor(1.0));
        NpzFile.Save(_folder["a.npz"], new Dictionary<string, Tensor> { ["a"] = zeros(1) });
        using var scalar = NpyFile.Open(_folder["scalar.npy"]);
        using var archive = NpzFile.Open(_folder["a.npz"]);
        Assert.Multiple(() =>
        {
            Assert.That(() => scalar.Read(0, 1), Throws.ArgumentException);
            Assert.That(() => archive.Read("b"), Throws.ArgumentException.With.Message.Contains("'b'"));
            Assert.That(() => archive.ReadColumns("a"), Throws.TypeOf<InvalidDataException>());
            Assert.That(() => NpyFile.Save(_folder["b.npy"], zeros(1, ScalarType.BFloat16)), Throws.ArgumentException);
            Assert.That(File.Exists(_folder["b.npy"]), Is.False);
            Assert.That(() => NpzFile.Save(_folder["b.npz"], new Dictionary<string, Tensor> { ["../a"] = zeros(1) }), Throws.ArgumentException);
            Assert.That(() => NpyFile.SaveColumns(_folder["b.npy"], new Dictionary<string, Tensor>()), Throws.ArgumentException);
            Assert.That(() => NpyFile.SaveColumns(_folder["b.npy"], new Dictionary<string, Tensor> { ["a"] = zeros(1), ["b"] = zeros(2) }),
                Throws.ArgumentException.With.Message.Contains("'b'"));
            Assert.That(() => NpyFile.Load(_folder["none.npy"]), Throws.InstanceOf<IOException>());
        });
    }

    [Test]
    public void LongHeadersAreOfVersion2()
    {
        using var scope = NewDisposeScope();
        var columns = Enumerable.Range(0, 4000).ToDictionary(i => $"column{i:0000}", i => full(2, i, dtype: ScalarType.Int16));
        NpyFile.SaveColumns(_folder["a.npy"], columns);
        Assert.That(File.ReadAllBytes(_folder["a.npy"])[6], Is.EqualTo(2));
        var read = NpyFile.LoadColumns(_folder["a.npy"]);
        Assert.That(read.All(c => c.Value[1].item<short>() == int.Parse(c.Key[6..], CultureInfo.InvariantCulture)));
        NpyFile.SaveColumns(_folder["b.npy"], new Dictionary<string, Tensor> { ["Ω'\\"] = zeros(1) });
        Assert.That(File.ReadAllBytes(_folder["b.npy"])[6], Is.EqualTo(3));
        Assert.That(NpyFile.LoadColumns(_folder["b.npy"]).Keys, Is.EqualTo(["Ω'\\"]));
    }

    private static byte[] Npy(string header, byte[] data) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.Latin1.GetBytes(header), .. data];

    private static Tensor Random(long[] shape, ScalarType type, long seed)
    {
        using var generator = new Generator((ulong)seed);
        var real = rand(shape, dtype: ScalarType.Float64, generator: generator) * 100;
        if (type == ScalarType.Bool) return real > 50;
        return type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64
            ? complex(real, real - 7).to(type) : type == ScalarType.Byte ? real.to(type) : (real - 50).to(type);
    }

    // TorchSharp refuses to look at an empty tensor of complex numbers.
    private static System.Numerics.Complex[] Values(Tensor tensor) => tensor.numel() == 0 ? [] : tensor.is_complex()
        ? tensor.to(ScalarType.ComplexFloat64).contiguous().data<System.Numerics.Complex>().ToArray()
        : [.. tensor.to(ScalarType.Float64).contiguous().data<double>().Select(v => new System.Numerics.Complex(v, 0))];
}
