using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>How numbers of a tensor are reduced.</summary>
/// <param name="Type">As what.</param>
/// <param name="Parts">How many of them a number is: 2 for complex ones.</param>
/// <param name="Widened">The type in which they must be instead; null: their own.</param>
internal readonly record struct Reducible(ScalarType Type, int Parts, ScalarType? Widened)
{
    /// <exception cref="ArgumentException">Numbers of this type can't be reduced so.</exception>
    public static Reducible Of(Tensor tensor, ReduceOp op) => tensor.dtype switch
    {
        ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int32 or ScalarType.Int64 => new(tensor.dtype, 1, null),
        ScalarType.Float16 or ScalarType.BFloat16 => new(ScalarType.Float32, 1, ScalarType.Float32),
        ScalarType.ComplexFloat32 when op == ReduceOp.Sum => new(ScalarType.Float32, 2, null),
        ScalarType.ComplexFloat64 when op == ReduceOp.Sum => new(ScalarType.Float64, 2, null),
        var type => throw new ArgumentException(
            $"expected float64, float32, float16, bfloat16, int64, int32, or complex numbers to sum; got {type} for {op}", nameof(tensor)),
    };
}
