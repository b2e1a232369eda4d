using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Models.Sequences;

/// <summary>How registers are loaded and stored, known when a kernel is compiled: the check costs a full one nothing.</summary>
internal unsafe interface IRegisterFill
{
    static abstract V Load<V, T>(T* source, long count) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>;

    static abstract void Store<V, T>(V x, T* destination, long count) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>;
}

/// <summary>All lanes.</summary>
internal readonly unsafe struct FullRegisters : IRegisterFill
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V, T>(T* source, long count) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> => V.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V, T>(V x, T* destination, long count) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> =>
        x.Store(destination);
}

/// <summary>Perhaps only the first few.</summary>
internal readonly unsafe struct PartialRegisters : IRegisterFill
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V, T>(T* source, long count) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        count == V.Count ? V.Load(source) : Part<V, T>(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V, T>(V x, T* destination, long count) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (count == V.Count) x.Store(destination);
        else StorePart(x, destination, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Part<V, T>(T* source, long count) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        V.LoadPart(source, count);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StorePart<V, T>(V x, T* destination, long count) where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> =>
        x.StorePart(destination, count);
}
