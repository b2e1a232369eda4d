using System.Buffers.Binary;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Corners of the formats that no golden file has.</summary>
public class FormatTests
{
    [Test]
    public void BigEndianStoragesAreSwapped([Values] bool memoryMap)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var floats = new byte[16];
        for (var i = 0; i < 4; i++) BinaryPrimitives.WriteSingleBigEndian(floats.AsSpan(4 * i), i + 0.5f);
        var shorts = new byte[4];
        for (var i = 0; i < 2; i++) BinaryPrimitives.WriteInt16BigEndian(shorts.AsSpan(2 * i), (short)(300 + i));
        var pickle = PickleBytes.Of(p => p
            .Tensor(s => s.Storage("0", "ComplexFloatStorage", 2), 0, [2], [1])
            .Tensor(s => s.Storage("1", "ShortStorage", 2), 0, [2], [1])
            .Tensor(s => s.Storage("2", "ByteStorage", 2), 0, [2], [1]).Raw(0x87));
        File.WriteAllBytes(folder["f"], new ZipBytes().Add("x/data.pkl", pickle).Add("x/byteorder", "big"u8.ToArray())
            .Add("x/data/0", floats).Add("x/data/1", shorts).Add("x/data/2", [1, 2]).Finish());

        var tree = (PyTuple)PyTorchFile.Load(folder["f"], new PyTorchLoadOptions { MemoryMap = memoryMap })!;

        Assert.That(view_as_real((Tensor)tree[0]!).reshape(-1).data<float>().ToArray(), Is.EqualTo(new[] { 0.5f, 1.5f, 2.5f, 3.5f }));
        Assert.That(((Tensor)tree[1]!).data<short>().ToArray(), Is.EqualTo(new short[] { 300, 301 }));
        Assert.That(((Tensor)tree[2]!).data<byte>().ToArray(), Is.EqualTo(new byte[] { 1, 2 }));
    }

    [Test]
    public void AnUntypedStorageTakesTheDtypeOfItsTensor()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        byte[] Pickle(params string[] dtypes) => PickleBytes.Of(p =>
        {
            foreach (var dtype in dtypes)
                p.Global("torch._utils", "_rebuild_tensor_v3").Ops("(")
                    .Ops("(").Text("storage").Global("torch.storage", "UntypedStorage").Text("0").Text("cpu").Int(8).Ops("tQ")
                    .Int(1).Integers(1).Integers(1).Raw(0x89).Global("collections", "OrderedDict").Ops(")R").Global("torch", dtype).Ops("tR");
            if (dtypes.Length == 2) p.Raw(0x86);
        });
        byte[] data = [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2.5f)];
        File.WriteAllBytes(folder["f"], ZipBytes.Checkpoint(Pickle("float32"), data));
        Assert.That(((Tensor)PyTorchFile.Load(folder["f"])!).item<float>(), Is.EqualTo(2.5f));
        File.WriteAllBytes(folder["f"], ZipBytes.Checkpoint(Pickle("float32", "int32"), data));
        Assert.That(() => PyTorchFile.Load(folder["f"]), Throws.TypeOf<InvalidDataException>());
        File.WriteAllBytes(folder["f"], ZipBytes.Checkpoint(Pickle("complex128"), data));
        Assert.That(() => PyTorchFile.Load(folder["f"]), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void OldFilesAreReadWhereTheyCannotBeMapped()
    {
        using var scope = NewDisposeScope();
        foreach (var path in Goldens.Files("pt-files", "*legacy*.pt"))
            Assert.That(() => PyTorchFile.Load(path, new PyTorchLoadOptions { MemoryMap = true }), Throws.Nothing);
    }

    [Test]
    public void MoreEntriesThanThe16BitsOfAPlainZip()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var values = arange(66_000);
        var tree = new PyDict();
        for (var i = 0; i < 66_000; i++) tree[(long)i] = values[i];
        PyTorchFile.Save(folder["f"], tree);
        var again = (PyDict)PyTorchFile.Load(folder["f"])!;
        Assert.That(again.Values.Select(v => ((Tensor)v!).item<long>()), Is.EqualTo(Enumerable.Range(0, 66_000)));
    }

    [Test]
    public void LimitsCanBeSet()
    {
        using var folder = new TemporaryFolder();
        PyTorchFile.Save(folder["f"], new List<object?> { new List<object?> { "a long string", 1L } });
        Assert.That(() => PyTorchFile.Load(folder["f"]), Throws.Nothing);
        var strict = PyTorchLoadLimits.Default;
        foreach (var limits in new[]
        {
            strict with { MaxDepth = 1 }, strict with { MaxString = 5 }, strict with { MaxObjects = -5000 }, strict with { MaxVisits = 3 },
            strict with { MaxPickle = 10 },
        })
            Assert.That(() => PyTorchFile.Load(folder["f"], new PyTorchLoadOptions { Limits = limits }), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void AMissingFileIsNoDamagedFile()
    {
        Assert.That(() => PyTorchFile.Load(Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}")), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => SafetensorsFile.Load(Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}")), Throws.TypeOf<FileNotFoundException>());
    }
}
