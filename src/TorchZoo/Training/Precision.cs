using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// What a training computes in. Weights, their gradients and the optimizer's state are float32 in all of them (mixed precision,
/// Micikevicius et al. 2018, arXiv 1710.03740); matrix products, convolutions and attention then run on copies in the type named here, while
/// losses stay in float32, and normalisations and softmax compute in it (on CPUs their results are then rounded to 16 bits).
/// </summary>
public enum Precision
{
    /// <summary>Everything in the weights' own type.</summary>
    Float32,

    /// <summary>bfloat16: the range of float32 with 8 bits of mantissa.</summary>
    BFloat16,

    /// <summary>float16: 11 bits of mantissa, but values below 6·10⁻⁸ vanish and above 65504 overflow, so that the loss is scaled
    /// (<see cref="GradScaler"/>).</summary>
    Float16,
}

/// <summary>What a <see cref="Precision"/> means.</summary>
internal static class Precisions
{
    /// <summary>The type that autocasting casts to; null: none.</summary>
    public static ScalarType? TypeOf(Precision precision) => precision switch
    {
        Precision.BFloat16 => ScalarType.BFloat16,
        Precision.Float16 => ScalarType.Float16,
        _ => null,
    };
}
