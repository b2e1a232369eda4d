using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Gradients by weights that all steps share: sums over time of each sample, made by the kernels, added up over the
/// batch.</summary>
internal static unsafe class TimeSums
{
    /// <summary>Steps of a column that the backward pass goes through in one go, its sums in registers: few, so that memory is gone through
    /// row by row.</summary>
    public const int Steps = 16;

    /// <summary>Such groups of steps after which their sums are added to the total: so rounding grows with their number and that of such
    /// sums, and not with the number of all steps.</summary>
    public const int Groups = 4;

    /// <summary>Adds to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<V, T>(T* to, V x) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> => (V.Load(to) + x).Store(to);

    /// <summary>Adds sums of one column to the total, sums of a gate being a number of channels apart, and sets them to zero.</summary>
    public static void Flush<V, T, TFill>(T* sums, T* total, int count, long channels, long lanes)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> where TFill : IRegisterFill
    {
        for (var i = 0; i < count; i++, sums += V.Count)
        {
            TFill.Store<V, T>(TFill.Load<V, T>(total + i * channels, lanes) + V.Load(sums), total + i * channels, lanes);
            V.Zero.Store(sums);
        }
    }

    /// <summary>(batch, sums, channels) → (sums, channels), in float64 and in the samples' order: on any number of threads the
    /// same.</summary>
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
