using System.Globalization;
using System.IO.Hashing;
using System.Numerics;
using System.Text.Json;
using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Compares what was read with an expected.json (schema: README.md of the golden files).</summary>
internal sealed class ExpectedTree
{
    private readonly JsonElement _root;
    private readonly Dictionary<int, long> _storages = [];
    private int _next;

    public ExpectedTree(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        _root = document.RootElement.Clone();
    }

    public bool RejectIsAllowed => _root.TryGetProperty("also_allowed", out var allowed) && allowed.GetString() == "reject";

    public IReadOnlyDictionary<string, string>? Metadata => !_root.TryGetProperty("metadata", out var metadata) ? null :
        metadata.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);

    /// <param name="tree">The tree.</param>
    /// <param name="withLayout">Whether strides, offsets and sharing must be the same too.</param>
    public void Verify(object? tree, bool withLayout = true)
    {
        _next = 0;
        Verify(tree, [], withLayout);
        Assert.That(_next, Is.EqualTo(_root.GetProperty("entries").GetArrayLength()), "number of entries");
        if (withLayout) Assert.That(_storages.Values, Is.Unique, "different storages have different memory");
    }

    private void Verify(object? value, List<string> path, bool withLayout)
    {
        var where = string.Join("/", path);
        Assert.That(_next, Is.LessThan(_root.GetProperty("entries").GetArrayLength()), where);
        var entry = _root.GetProperty("entries")[_next++];
        Assert.That(entry.GetProperty("path").EnumerateArray().Select(Step), Is.EqualTo(path));
        var type = entry.GetProperty("type").GetString();
        entry.TryGetProperty("value", out var expected);
        switch (type)
        {
            case "tensor":
                Assert.That(value, Is.InstanceOf<Tensor>(), where);
                VerifyTensor((Tensor)value!, entry, where, withLayout);
                foreach (var (name, attribute) in PyTree.AttributesOf((Tensor)value!)) Verify(attribute, [.. path, $"@{name}"], withLayout);
                break;
            case "dict" or "OrderedDict" or "Counter":
                Assert.That((value as PyDict)?.Kind.ToString(), Is.EqualTo(type == "dict" ? "Dict" : type), where);
                var dict = (PyDict)value!;
                Assert.That(dict.Count, Is.EqualTo(entry.GetProperty("len").GetInt32()), where);
                foreach (var (key, item) in dict)
                    Verify(item, [.. path, string.Create(CultureInfo.InvariantCulture, $"{key}")], withLayout);
                foreach (var (name, item) in dict.Attributes) Verify(item, [.. path, $"@{name}"], withLayout);
                break;
            case "list" or "tuple" or "Size":
                Assert.That(value, Is.InstanceOf(type == "list" ? typeof(List<object?>) : typeof(PyTuple)), where);
                Assert.That((value as PyTuple)?.IsSize ?? false, Is.EqualTo(type == "Size"), where);
                var list = (IReadOnlyList<object?>)value!;
                Assert.That(list, Has.Count.EqualTo(entry.GetProperty("len").GetInt32()), where);
                for (var i = 0; i < list.Count; i++) Verify(list[i], [.. path, $"{i}"], withLayout);
                break;
            case "set":
                Assert.That(((PySet)value!).Select(Show).Order(StringComparer.Ordinal),
                    Is.EqualTo(expected.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : e.GetRawText())
                        .Order(StringComparer.Ordinal)), where);
                break;
            case "int": Assert.That(value, Is.EqualTo(expected.GetInt64()), where); break;
            case "bigint": Assert.That($"{value}", Is.EqualTo(expected.GetString()), where); break;
            case "float": Assert.That(SameFloat((double)value!, Number(expected)), where); break;
            case "complex": Assert.That(value, Is.EqualTo(new Complex(Number(expected[0]), Number(expected[1]))), where); break;
            case "bool": Assert.That(value, Is.EqualTo(expected.GetBoolean()), where); break;
            case "str": Assert.That(value, Is.EqualTo(expected.GetString()), where); break;
            case "none": Assert.That(value, Is.Null, where); break;
            case "bytes": VerifyBytes((byte[])value!, entry, where); break;
            case "bytearray": VerifyBytes(((PyByteArray)value!).Bytes, entry, where); break;
            case "dtype": Assert.That(DtypeName((ScalarType)value!), Is.EqualTo(expected.GetString()), where); break;
            case "device": Assert.That(((Device)value!).ToString(), Is.EqualTo(expected.GetString()), where); break;
            default: Assert.Fail($"{where}: unknown type {type}"); break;
        }
    }

    private void VerifyTensor(Tensor tensor, JsonElement entry, string where, bool withLayout)
    {
        Assert.That(DtypeName(tensor.dtype), Is.EqualTo(entry.GetProperty("dtype").GetString()), where);
        Assert.That(tensor.shape, Is.EqualTo(Integers(entry.GetProperty("shape"))), where);
        if (entry.TryGetProperty("parameter", out var parameter))
            Assert.That(tensor is Parameter, Is.EqualTo(parameter.GetBoolean()), where);
        if (entry.TryGetProperty("requires_grad", out var grad)) Assert.That(tensor.requires_grad, Is.EqualTo(grad.GetBoolean()), where);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var plain = tensor.detach().resolve_conj().resolve_neg().contiguous();
        Assert.That($"{Crc32.HashToUInt32(plain.bytes):x8}", Is.EqualTo(entry.GetProperty("crc32").GetString()), where);
        VerifyValues(plain, entry, where);
        if (withLayout && entry.TryGetProperty("layout", out var layout)) VerifyLayout(tensor, layout, where);
    }

    private static void VerifyValues(Tensor plain, JsonElement entry, string where)
    {
        var doubles = (plain.is_complex() ? view_as_real(plain) : plain).to(ScalarType.Float64).reshape(-1).data<double>().ToArray();
        if (entry.TryGetProperty("values", out var values) || entry.TryGetProperty("first", out values))
        {
            var expected = values.EnumerateArray()
                .SelectMany(e => e.ValueKind == JsonValueKind.Array ? e.EnumerateArray().Select(Number) : [Number(e)]).ToArray();
            Assert.That(doubles.Take(expected.Length), Is.EqualTo(expected), where);
        }
        if (!entry.TryGetProperty("sum", out var sum)) return;
        var scale = doubles.Sum(Math.Abs);
        if (sum.ValueKind != JsonValueKind.Array)
            Assert.That(doubles.Sum(), Is.EqualTo(Number(sum)).Within(1e-9 * Math.Max(scale, 1e-300)), where);
        Assert.That(doubles.Sum(x => x * x), Is.EqualTo(Number(entry.GetProperty("sumsq"))).Within(1e-9).Percent, where);
    }

    private unsafe void VerifyLayout(Tensor tensor, JsonElement layout, string where)
    {
        Assert.That(tensor.storage_offset(), Is.EqualTo(layout.GetProperty("offset").GetInt64()), where);
        Assert.That(tensor.stride(), Is.EqualTo(Integers(layout.GetProperty("stride"))), where);
        if (layout.GetProperty("storage").ValueKind == JsonValueKind.Null || tensor.numel() == 0) return;
        using var off = no_grad();
        using var first = tensor.as_strided([1], [1], 0);
        long address;
        fixed (byte* pointer = first.bytes) address = (long)pointer;
        var storage = layout.GetProperty("storage").GetInt32();
        Assert.That(_storages.TryAdd(storage, address) || _storages[storage] == address, where + " shares its storage");
    }

    private static void VerifyBytes(byte[] bytes, JsonElement entry, string where) =>
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(entry.GetProperty("hex").GetString()), where);

    // All NaNs are one in JSON; the two zeros are not.
    private static bool SameFloat(double a, double b) =>
        double.IsNaN(a) && double.IsNaN(b) || BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);

    private static long[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetInt64())];

    private static double Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() == "nan" => double.NaN,
        JsonValueKind.String when value.GetString() == "inf" => double.PositiveInfinity,
        JsonValueKind.String => double.NegativeInfinity,
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => value.GetDouble(),
    };

    private static string Step(JsonElement step) => step.ValueKind switch
    {
        JsonValueKind.Object => $"@{step.GetProperty("attr").GetString()}",
        JsonValueKind.String => step.GetString()!,
        _ => step.GetRawText(),
    };

    private static string Show(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    private static string DtypeName(ScalarType dtype) => dtype switch
    {
        ScalarType.Byte => "uint8",
        ScalarType.ComplexFloat32 => "complex64",
        ScalarType.ComplexFloat64 => "complex128",
        _ => dtype.ToString().ToLowerInvariant(),
    };
}
