using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Gradients by weights that all steps share: sums over time of each sample, made by the kernels, added up over the batch.</summary>
internal static unsafe class TimeSums
{
    /// <summary>Steps that kernels sum up by themselves before they add them to the rest: so rounding grows with their number and that of such
    /// sums, and not with the number of all steps.</summary>
    public const long Steps = 32;

    /// <summary>Adds to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<V, T, TFill>(T* to, V x, long count) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> where TFill : IRegisterFill =>
        TFill.Store<V, T>(TFill.Load<V, T>(to, count) + x, to, count);

    /// <summary>(batch, sums, channels) → (sums, channels), in float64 and in the samples' order: on any number of threads the same.</summary>
    public static Tensor OverBatch<T>(Tensor sums) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var shape = sums.shape;
        var result = empty([shape[1], shape[2]], sums.dtype);
        using Pinned<T> from = Pinned<T>.Of(sums, nameof(sums)), to = Pinned<T>.Of(result, nameof(result));
        for (var i = 0L; i < to.Length; i++)
        {
            var total = 0.0;
            for (var sample = 0L; sample < shape[0]; sample++) total += double.CreateTruncating(from.Pointer[sample * to.Length + i]);
            to.Pointer[i] = T.CreateTruncating(total);
        }
        return result;
    }
}
