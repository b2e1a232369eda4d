using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

public class SafetensorsTests
{
    private static readonly ScalarType[] Dtypes =
    [
        ScalarType.Bool, ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64,
        ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64, ScalarType.ComplexFloat32,
    ];

    [TestCaseSource(nameof(Dtypes))]
    public void EveryDtypeComesBackBitForBit(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var values = randn([3, 5, 2], generator: new Generator(7)).mul(50);
        var saved = new Dictionary<string, Tensor>
        {
            ["z"] = values.to(dtype),
            ["transposed"] = values.to(dtype).transpose(0, 2),
            ["scalar"] = ones([], dtype),
            ["empty"] = zeros([0, 3], dtype),
            ["a"] = ones([1], ScalarType.Bool),
        };
        SafetensorsFile.Save(folder["f"], saved, new Dictionary<string, string> { ["format"] = "pt", ["ü\n"] = "\"" });

        var loaded = SafetensorsFile.Load(folder["f"]);

        Assert.That(loaded.Keys, Is.EqualTo(saved.Keys));
        foreach (var (name, tensor) in saved)
        {
            Assert.That(loaded[name].dtype, Is.EqualTo(tensor.dtype));
            Assert.That(loaded[name].shape, Is.EqualTo(tensor.shape));
            Assert.That(loaded[name].bytes.SequenceEqual(tensor.contiguous().bytes), name);
        }
        Assert.That(SafetensorsFile.ReadHeader(folder["f"]).Metadata["ü\n"], Is.EqualTo("\""));
        Assert.That(folder.Files, Is.EqualTo(new[] { "f" }));
    }

    [Test]
    public void WhatTheFormatCannotHoldIsRefusedBeforeAFileIsMade()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        Assert.That(() => SafetensorsFile.Save(folder["f"], new Dictionary<string, Tensor> { ["c"] = zeros(2, ScalarType.ComplexFloat64) }),
            Throws.ArgumentException.With.Message.Contains("'c'"));
        Assert.That(() => SafetensorsFile.Save(folder["f"], new Dictionary<string, Tensor> { ["__metadata__"] = zeros(2) }),
            Throws.ArgumentException);
        Assert.That(folder.Files, Is.Empty);
    }

    private static IEnumerable<TestCaseData> Headers() => new (string Name, string Header, int Data)[]
    {
        ("a gap", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2),
        ("a gap between",
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}""", 3),
        ("an overlap", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3),
        ("bytes left", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 2),
        ("past the end", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", 2),
        ("another length", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]}}""", 2),
        ("a length less than zero", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}""", 2),
        ("a key twice", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2),
        ("a key twice, once escaped",
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2),
        ("metadata twice", """{"__metadata__":{},"__metadata__":{}}""", 0),
        ("metadata that are no strings", """{"__metadata__":{"a":1}}""", 0),
        ("metadata key twice", """{"__metadata__":{"a":"1","a":"2"}}""", 0),
        ("a field twice", """{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1),
        ("an unknown field", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}""", 1),
        ("an unknown dtype", """{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,1]}}""", 1),
        ("no dtype", """{"a":{"shape":[1],"data_offsets":[0,1]}}""", 1),
        ("no offsets", """{"a":{"dtype":"U8","shape":[0]}}""", 0),
        ("one offset", """{"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}}""", 0),
        ("three offsets", """{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}""", 0),
        ("a negative size", """{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}""", 0),
        ("minus zero", """{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}""", 0),
        ("a fraction", """{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", 1),
        ("an exponent", """{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}""", 1),
        ("a size that overflows", """{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0),
        ("a size that overflows behind a zero", """{"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}""", 0),
        ("a size of 2^64", """{"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}}""", 0),
        ("a shape that is no list", """{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""", 1),
        ("a tensor that is no object", """{"a":1}""", 0),
        ("a list", "[]", 0),
        ("a space before", " {}", 0),
        ("something behind", "{}x", 0),
        ("a comment", "{}/**/", 0),
        ("a comma too many", """{"__metadata__":{},}""", 0),
        ("half a surrogate pair", """{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0),
        ("deep nesting", """{"a":""" + new string('[', 100_000), 0),
        ("nothing", "", 0),
    }.Select(c => new TestCaseData(c.Header, c.Data).SetName($"Safetensors: {c.Name}"));

    [TestCaseSource(nameof(Headers))]
    public void ABadHeaderIsRefused(string header, int data)
    {
        using var folder = new TemporaryFolder();
        byte[] text = [.. System.Text.Encoding.UTF8.GetBytes(header)];
        File.WriteAllBytes(folder["f"], [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[data]]);
        var count = Tensor.TotalCount;
        Assert.That(() => SafetensorsFile.Load(folder["f"]), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith(folder["f"]));
        Assert.That(Tensor.TotalCount, Is.EqualTo(count));
    }

    [Test]
    public void AHeaderInAnyOrderWithSpacesBehindIsRead()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var text = """
            {"b":{"data_offsets":[1,5],"shape":[1],"dtype":"F32"},"a":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]},
            "e":{"dtype":"F64","shape":[0,5],"data_offsets":[5,5]}}
            """u8;
        byte[] data = [9, .. BitConverter.GetBytes(1.5f)];
        File.WriteAllBytes(folder["f"], [.. BitConverter.GetBytes((long)text.Length + 3), .. text, .. "   "u8, .. data]);
        foreach (var memoryMap in new[] { false, true })
        {
            var tensors = SafetensorsFile.Load(folder["f"], memoryMap: memoryMap);
            Assert.That(tensors.Keys, Is.EqualTo(new[] { "b", "a", "e" }));
            Assert.That((tensors["b"].item<float>(), tensors["a"].item<byte>(), tensors["e"].shape[1]), Is.EqualTo((1.5f, (byte)9, 5L)));
        }
    }

    [Test]
    public void AnIndexLeadsNowhereElse()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var index = folder["m.safetensors.index.json"];
        SafetensorsFile.SaveSharded(index, new Dictionary<string, Tensor> { ["a"] = ones(2), ["b"] = ones(3) }, 1);
        Assert.That(folder.Files,
            Is.EqualTo(new[] { "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "m.safetensors.index.json" }));
        var good = File.ReadAllText(index);
        foreach (var bad in new[]
        {
            good.Replace("m-00001", "../m-00001"), good.Replace("m-00001", "/m-00001"), good.Replace("\"a\"", "\"c\""),
                good.Replace("\"a\"", "\"b\""),
            good.Replace("weight_map", "map"), good.Replace("\"m-00001-of-00002.safetensors\"", "1"), good[..^5], "[]",
        })
        {
            File.WriteAllText(index, bad);
            Assert.That(() => SafetensorsFile.Load(index), Throws.TypeOf<InvalidDataException>(), bad);
        }
        Assert.That(() => SafetensorsFile.SaveSharded(folder["m.json"], new Dictionary<string, Tensor>(), 1), Throws.ArgumentException);
    }
}
