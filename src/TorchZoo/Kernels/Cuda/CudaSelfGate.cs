using TorchSharp;

namespace TorchZoo.Kernels.Cuda;

/// <summary><see cref="SelfGate"/> on a GPU, on raw memory. Addresses are of contiguous numbers of one type.</summary>
internal static class CudaSelfGate
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaSelfGate).Assembly, "self_gate.cu");

    /// <summary>y = x g(s x)</summary>
    /// <param name="gate">g</param>
    /// <param name="type">Of all numbers.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">(outer, channels, inner)</param>
    /// <param name="slopes">s, (channels)</param>
    /// <param name="y">Of x's size; may be x.</param>
    /// <param name="n">Numbers of x.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="inner">Numbers behind the channels' axis.</param>
    public static void Forward(GateFunction gate, torch.ScalarType type, CudaStream stream, CudaArgument x, CudaArgument slopes,
        CudaArgument y, long n, long channels, long inner) =>
        Kernel(stream, "forward", gate, type).LaunchForPacks(n, type, stream, x, slopes, y, n, channels, inner);

    /// <summary>The gradients.</summary>
    /// <param name="gate">g</param>
    /// <param name="type">Of all numbers but the last.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">(outer, channels, inner)</param>
    /// <param name="slopes">s, (channels)</param>
    /// <param name="gradient">By y, of x's size.</param>
    /// <param name="byX">By x, of x's size; may be gradient.</param>
    /// <param name="bySlopes">What each number adds to the gradient by its channel's slope, of x's size, in float64 if that is the type
    /// and in float32 otherwise; or 0.</param>
    /// <param name="n">Numbers of x.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="inner">Numbers behind the channels' axis.</param>
    public static void Backward(GateFunction gate, torch.ScalarType type, CudaStream stream, CudaArgument x, CudaArgument slopes,
        CudaArgument gradient, CudaArgument byX, CudaArgument bySlopes, long n, long channels, long inner) =>
        Kernel(stream, "backward", gate, type).LaunchForPacks(n, type, stream, x, slopes, gradient, byX, bySlopes, n, channels, inner);

    private static CudaKernel Kernel(CudaStream stream, string name, GateFunction gate, torch.ScalarType type) =>
        stream.Device.Kernel(Source, $"{name}<{gate},{CudaSource.TypeName(type)}>");
}
