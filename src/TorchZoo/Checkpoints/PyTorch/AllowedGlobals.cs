using System.Collections.Frozen;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>A class or function that a checkpoint may name. Nothing is looked up anywhere else.</summary>
internal enum PyGlobal
{
    OrderedDict,
    Counter,
    Set,
    Complex,
    Bytes,
    ByteArray,
    Encode,
    Size,
    Device,
    Parameter,
    Tensor,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildParameterWithState,
    RebuildFromType,
}

/// <summary>A storage class, e.g. <c>torch.FloatStorage</c>.</summary>
/// <param name="Dtype">Its dtype; null: untyped, counted in bytes.</param>
internal sealed record StorageClass(ScalarType? Dtype);

/// <summary>The fixed table of names that a pickle may use. Module and name are compared as a whole.</summary>
internal static class AllowedGlobals
{
    private static readonly FrozenDictionary<(string Module, string Name), object> Table = Build().ToFrozenDictionary();

    /// <summary>What a name stands for: a <see cref="PyGlobal"/>, a <see cref="StorageClass"/> or a dtype.</summary>
    /// <exception cref="InvalidDataException">The name is not on the list.</exception>
    public static object Resolve(string module, string name)
    {
        // Protocol 2 writes Python 2's name of the module.
        if (module == "__builtin__") module = "builtins";
        return Table.TryGetValue((module, name), out var known) ? known
            : throw new InvalidDataException($"the global '{PyKey.Printable(module)}.{PyKey.Printable(name)}' is not allowed");
    }

    /// <summary>PyTorch's name of a dtype's storage class.</summary>
    public static string StorageName(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => "DoubleStorage",
        ScalarType.Float32 => "FloatStorage",
        ScalarType.Float16 => "HalfStorage",
        ScalarType.BFloat16 => "BFloat16Storage",
        ScalarType.Int64 => "LongStorage",
        ScalarType.Int32 => "IntStorage",
        ScalarType.Int16 => "ShortStorage",
        ScalarType.Int8 => "CharStorage",
        ScalarType.Byte => "ByteStorage",
        ScalarType.Bool => "BoolStorage",
        ScalarType.ComplexFloat32 => "ComplexFloatStorage",
        ScalarType.ComplexFloat64 => "ComplexDoubleStorage",
        _ => throw new ArgumentException($"PyTorch checkpoints of {dtype} are not supported", nameof(dtype)),
    };

    /// <summary>PyTorch's name of a dtype.</summary>
    public static string DtypeName(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => "float64",
        ScalarType.Float32 => "float32",
        ScalarType.Float16 => "float16",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Int64 => "int64",
        ScalarType.Int32 => "int32",
        ScalarType.Int16 => "int16",
        ScalarType.Int8 => "int8",
        ScalarType.Byte => "uint8",
        ScalarType.Bool => "bool",
        ScalarType.ComplexFloat32 => "complex64",
        ScalarType.ComplexFloat64 => "complex128",
        _ => throw new ArgumentException($"PyTorch checkpoints of {dtype} are not supported", nameof(dtype)),
    };

    private static Dictionary<(string, string), object> Build()
    {
        var table = new Dictionary<(string, string), object>
        {
            [("collections", "OrderedDict")] = PyGlobal.OrderedDict,
            [("collections", "Counter")] = PyGlobal.Counter,
            [("builtins", "set")] = PyGlobal.Set,
            [("builtins", "complex")] = PyGlobal.Complex,
            [("builtins", "bytes")] = PyGlobal.Bytes,
            [("builtins", "bytearray")] = PyGlobal.ByteArray,
            [("_codecs", "encode")] = PyGlobal.Encode,
            [("torch", "Size")] = PyGlobal.Size,
            [("torch", "device")] = PyGlobal.Device,
            [("torch", "Tensor")] = PyGlobal.Tensor,
            [("torch.nn.parameter", "Parameter")] = PyGlobal.Parameter,
            [("torch._utils", "_rebuild_tensor")] = PyGlobal.RebuildTensor,
            [("torch._utils", "_rebuild_tensor_v2")] = PyGlobal.RebuildTensorV2,
            [("torch._utils", "_rebuild_tensor_v3")] = PyGlobal.RebuildTensorV3,
            [("torch._utils", "_rebuild_parameter")] = PyGlobal.RebuildParameter,
            [("torch._utils", "_rebuild_parameter_with_state")] = PyGlobal.RebuildParameterWithState,
            [("torch._tensor", "_rebuild_from_type_v2")] = PyGlobal.RebuildFromType,
            [("torch.storage", "UntypedStorage")] = new StorageClass(null),
        };
        foreach (var dtype in Enum.GetValues<ScalarType>())
        {
            if (dtype is ScalarType.QInt8 or ScalarType.QUInt8 or ScalarType.QInt32) continue;
            table.Add(("torch", StorageName(dtype)), new StorageClass(dtype));
            table.Add(("torch", DtypeName(dtype)), dtype);
        }
        return table;
    }
}
