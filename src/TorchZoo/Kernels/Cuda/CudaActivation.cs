using TorchSharp;
using TorchZoo.Checkpoints;

namespace TorchZoo.Kernels.Cuda;

/// <summary><see cref="PointwiseActivation"/> on a GPU, on raw memory. Addresses are of contiguous numbers of one type; 0 stands for what
/// isn't there.</summary>
internal static class CudaActivation
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaActivation).Assembly, "activation.cu");

    /// <summary>There are kernels for numbers of this type.</summary>
    public static bool Takes(torch.ScalarType type) =>
        type is torch.ScalarType.Float32 or torch.ScalarType.Float64 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16;

    /// <summary>y = act(x + bias + residual)</summary>
    /// <param name="activation">act</param>
    /// <param name="type">Of all numbers.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">(outer, channels, inner)</param>
    /// <param name="bias">(channels), or 0.</param>
    /// <param name="residual">Of x's size, or 0.</param>
    /// <param name="y">Of x's size; may be x or residual.</param>
    /// <param name="sum">Where x + bias + residual goes, or 0.</param>
    /// <param name="n">Numbers of x.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="inner">Numbers behind the channels' axis.</param>
    public static void Forward(Activation activation, torch.ScalarType type, CudaStream stream, CudaArgument x, CudaArgument bias,
        CudaArgument residual, CudaArgument y, CudaArgument sum, long n, long channels, long inner) =>
        Kernel(stream, "forward", activation, type).LaunchFor(Packs(n, type), stream, x, bias, residual, y, sum, n, channels, inner);

    /// <summary>result = gradient · act′(x + bias)</summary>
    /// <param name="activation">act</param>
    /// <param name="type">Of all numbers.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">(outer, channels, inner)</param>
    /// <param name="bias">(channels), or 0.</param>
    /// <param name="gradient">Of x's size.</param>
    /// <param name="result">Of x's size; may be gradient or x.</param>
    /// <param name="n">Numbers of x.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="inner">Numbers behind the channels' axis.</param>
    public static void Backward(Activation activation, torch.ScalarType type, CudaStream stream, CudaArgument x, CudaArgument bias,
        CudaArgument gradient, CudaArgument result, long n, long channels, long inner) =>
        Kernel(stream, "backward", activation, type).LaunchFor(Packs(n, type), stream, x, bias, gradient, result, n, channels, inner);

    private static CudaKernel Kernel(CudaStream stream, string name, Activation activation, torch.ScalarType type) =>
        stream.Device.Kernel(Source, $"{name}<{activation},{CudaSource.TypeName(type)}>");

    // A thread takes 16 bytes.
    private static long Packs(long n, torch.ScalarType type)
    {
        var pack = 16 / TensorMemory.ElementSize(type);
        return (n + pack - 1) / pack;
    }
}
