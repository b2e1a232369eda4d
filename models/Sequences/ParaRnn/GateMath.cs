using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// The gates' functions of some registers that lie one behind the other, in place. Each is compiled by itself: all gates of a step in one
/// method have more variables than the just-in-time compiler keeps in registers, or inlines.
/// </summary>
internal static unsafe class GateMath
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    [MethodImpl(Hot)]
    public static void Sigmoid<V, T>(T* x, int registers) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var end = x + registers * V.Count; x < end; x += V.Count) VectorMath.Sigmoid<V, T>(V.Load(x)).Store(x);
    }

    [MethodImpl(Hot)]
    public static void Tanh<V, T>(T* x, int registers) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var end = x + registers * V.Count; x < end; x += V.Count) VectorMath.Tanh<V, T>(V.Load(x)).Store(x);
    }
}
