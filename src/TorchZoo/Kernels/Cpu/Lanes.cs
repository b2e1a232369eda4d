using System.Numerics;
using System.Runtime.Intrinsics;

namespace TorchZoo.Kernels.Cpu;

/// <summary>Something to do with registers of any width: a kernel, its operands in its fields.</summary>
/// <typeparam name="T">float or double.</typeparam>
public interface ILanesKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Does it with registers of one width.</summary>
    void Run<V>() where V : struct, ILanes<V, T>;
}

/// <summary>Runs kernels with the widest registers that the processor is fast with.</summary>
public static class Lanes
{
    /// <summary>Bits of the registers that <see cref="Run"/> takes.</summary>
    public static int Bits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Runs a kernel.</summary>
    public static void Run<T, TKernel>(TKernel kernel)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TKernel : struct, ILanesKernel<T>
    {
        if (Vector512.IsHardwareAccelerated) kernel.Run<Lanes512<T>>();
        else if (Vector256.IsHardwareAccelerated) kernel.Run<Lanes256<T>>();
        else kernel.Run<Lanes128<T>>();
    }
}
