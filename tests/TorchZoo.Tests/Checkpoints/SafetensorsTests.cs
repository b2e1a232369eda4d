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
        Assert.That(() => SafetensorsFile.Save(folder["f"], new Dictionary<string, Tensor> { ["__metadata__"] = zeros(2) }), Throws.ArgumentException);
        Assert.That(folder.Files, Is.Empty);
    }
}
