using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.Safetensors;

/// <summary>The format's names of dtypes.</summary>
internal static class SafetensorsDtypes
{
    /// <summary>The dtype of that name, if libtorch's binding has it.</summary>
    public static ScalarType? Parse(string name) => name switch
    {
        "BOOL" => ScalarType.Bool,
        "U8" => ScalarType.Byte,
        "I8" => ScalarType.Int8,
        "I16" => ScalarType.Int16,
        "I32" => ScalarType.Int32,
        "I64" => ScalarType.Int64,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F32" => ScalarType.Float32,
        "F64" => ScalarType.Float64,
        "C64" => ScalarType.ComplexFloat32,
        _ => null,
    };

    /// <summary>The name of a dtype; null if the format has none.</summary>
    public static string? NameOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Bool => "BOOL",
        ScalarType.Byte => "U8",
        ScalarType.Int8 => "I8",
        ScalarType.Int16 => "I16",
        ScalarType.Int32 => "I32",
        ScalarType.Int64 => "I64",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float32 => "F32",
        ScalarType.Float64 => "F64",
        ScalarType.ComplexFloat32 => "C64",
        _ => null,
    };
}
