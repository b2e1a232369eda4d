using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary><see cref="SplineSum"/> on a GPU, on contiguous tensors of float32 or float64.</summary>
internal static class CudaSplineSum
{
    private const int Threads = 64;

    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaSplineSum).Assembly, "spline_sum.cu");

    /// <summary>y from x.</summary>
    public static void Forward(Tensor x, Tensor grid, Tensor c, Tensor y, int order)
    {
        var sizes = Of(x, grid, c, order);
        Forward(x.dtype, CudaStream.Of(x), sizes, x, grid, c, y);
    }

    /// <summary>Gradients by x and c; null: not wanted.</summary>
    public static void Backward(Tensor x, Tensor grid, Tensor c, Tensor byY, Tensor? byX, Tensor? byC, int order)
    {
        var sizes = Of(x, grid, c, order);
        if (byX is not null) ByInputs(x.dtype, CudaStream.Of(x), sizes, x, grid, c, byY, byX);
        if (byC is not null) ByCoefficients(x.dtype, CudaStream.Of(x), sizes, x, grid, byY, byC);
    }

    /// <summary>As <see cref="Cpu.SplineKernel.Forward"/>, on raw memory.</summary>
    internal static void Forward(ScalarType type, CudaStream stream, SplineSizes sizes, CudaArgument x, CudaArgument grid, CudaArgument c,
        CudaArgument y)
    {
        if (sizes.Samples * sizes.Outputs > 0)
            Kernel("forward", type, stream).Launch(Blocks(sizes.Samples), Threads, 0, stream, x, grid, c, y, CudaArgument.Of(new Sizes(sizes)));
    }

    /// <summary>The gradient by x, on raw memory.</summary>
    internal static void ByInputs(ScalarType type, CudaStream stream, SplineSizes sizes, CudaArgument x, CudaArgument grid, CudaArgument c,
        CudaArgument byY, CudaArgument byX)
    {
        if (sizes.Samples * sizes.Features > 0)
            Kernel("by_inputs", type, stream).Launch(Blocks((sizes.Samples * sizes.Features + 3) / 4), 4 * 32, 0, stream, x, grid, c, byY, byX,
                CudaArgument.Of(new Sizes(sizes)));
    }

    /// <summary>The gradient by c, on raw memory.</summary>
    internal static void ByCoefficients(ScalarType type, CudaStream stream, SplineSizes sizes, CudaArgument x, CudaArgument grid,
        CudaArgument byY, CudaArgument byC)
    {
        if (sizes.Features * sizes.Outputs > 0)
            Kernel("by_coefficients", type, stream).Launch(new Dim3((int)sizes.Features, (int)((sizes.Outputs + Threads - 1) / Threads)), Threads,
                0, stream, x, grid, byY, byC, CudaArgument.Of(new Sizes(sizes)));
    }

    private static CudaKernel Kernel(string name, ScalarType type, CudaStream stream) =>
        stream.Device.Kernel(Source, $"{name}<{CudaSource.TypeName(type)}>");

    private static int Blocks(long items) => (int)Math.Min(items, 1 << 16);

    private static SplineSizes Of(Tensor x, Tensor grid, Tensor c, int order) => new(x.shape[0], x.shape[1], grid.shape[1], c.shape[2], order);

    // The kernel's struct of that name.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Sizes(SplineSizes of)
    {
        private readonly long _samples = of.Samples, _features = of.Features, _knots = of.Knots, _outputs = of.Outputs;

        private readonly int _order = of.Order, _padding = 0;
    }
}
