using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>Functions of one number with their derivatives, on GPUs, in float32 and float64; 16-bit types are computed in float32.
/// Nothing is recorded for gradients.</summary>
public static class CudaElementwise
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaElementwise).Assembly, "elementwise.cu");

    /// <summary>There is a kernel for this device and type.</summary>
    public static bool HasKernel(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.device_type == DeviceType.CUDA && IsKnown(x.dtype) && CudaKernels.AreAvailable;
    }

    /// <summary>The derivative is taken from y; else from x.</summary>
    public static bool SlopeIsOfValue(ElementwiseFunction function) =>
        function is ElementwiseFunction.Sigmoid or ElementwiseFunction.Tanh or ElementwiseFunction.Exp;

    /// <summary>y = f(x)</summary>
    /// <param name="function">f</param>
    /// <param name="x">Contiguous.</param>
    /// <param name="y">Of x's shape, type and device, contiguous; may be x.</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void Forward(ElementwiseFunction function, Tensor x, Tensor y)
    {
        Check(x, x, nameof(x));
        Check(y, x, nameof(y));
        Kernel(CudaDevice.Of(x), "forward", function, x.dtype).LaunchFor(Packs(x.numel(), x.dtype), CudaStream.Of(x), x, y, x.numel());
    }

    /// <summary>result = gradient · f′, with f′ from y where <see cref="SlopeIsOfValue"/>, else from x; the other may be null.</summary>
    /// <param name="function">f</param>
    /// <param name="x">Contiguous.</param>
    /// <param name="y">f(x), contiguous.</param>
    /// <param name="gradient">Contiguous; it gives shape, type and device of all.</param>
    /// <param name="result">Contiguous; may be one of the three.</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described, or what the derivative is taken from is
    /// null.</exception>
    public static void Backward(ElementwiseFunction function, Tensor? x, Tensor? y, Tensor gradient, Tensor result)
    {
        Check(gradient, gradient, nameof(gradient));
        Check(result, gradient, nameof(result));
        if (x is not null) Check(x, gradient, nameof(x));
        if (y is not null) Check(y, gradient, nameof(y));
        var (source, name) = SlopeIsOfValue(function) ? (y, nameof(y)) : (x, nameof(x));
        if (source is null) throw new ArgumentNullException(name, $"The derivative of {function} is taken from it");
        Kernel(CudaDevice.Of(gradient), "backward", function, gradient.dtype).LaunchFor(Packs(gradient.numel(), gradient.dtype),
            CudaStream.Of(gradient), x, y, gradient, result, gradient.numel());
    }

    /// <summary>The same on raw memory of a GPU: y = f(x).</summary>
    /// <param name="function">f</param>
    /// <param name="type">float32, float64, float16 or bfloat16.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">Address of n numbers.</param>
    /// <param name="y">Address of n numbers; may be x.</param>
    /// <param name="n">How many.</param>
    /// <exception cref="ArgumentException">There is no kernel for the type.</exception>
    public static void Forward(ElementwiseFunction function, ScalarType type, CudaStream stream, nint x, nint y, long n) =>
        Kernel(stream.Device, "forward", function, type).LaunchFor(Packs(n, type), stream, x, y, n);

    /// <summary>The same on raw memory of a GPU: result = gradient · f′.</summary>
    /// <param name="function">f</param>
    /// <param name="type">float32, float64, float16 or bfloat16.</param>
    /// <param name="stream">Where the work is queued.</param>
    /// <param name="x">Address of n numbers; 0 where <see cref="SlopeIsOfValue"/>.</param>
    /// <param name="y">Address of n numbers f(x); 0 where not.</param>
    /// <param name="gradient">Address of n numbers.</param>
    /// <param name="result">Address of n numbers; may be one of the three.</param>
    /// <param name="n">How many.</param>
    /// <exception cref="ArgumentException">There is no kernel for the type.</exception>
    public static void Backward(ElementwiseFunction function, ScalarType type, CudaStream stream, nint x, nint y, nint gradient,
        nint result, long n) =>
        Kernel(stream.Device, "backward", function, type).LaunchFor(Packs(n, type), stream, x, y, gradient, result, n);

    private static CudaKernel Kernel(CudaDevice device, string name, ElementwiseFunction function, ScalarType type)
    {
        if (!IsKnown(type)) throw new ArgumentException($"Expected float32, float64, float16 or bfloat16, got {type}", nameof(type));
        return device.Kernel(Source, $"{name}<{function},{CudaSource.TypeName(type)}>");
    }

    private static bool IsKnown(ScalarType type) =>
        type is ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16;

    // A thread takes 16 bytes.
    private static long Packs(long n, ScalarType type)
    {
        var pack = 16 / Checkpoints.TensorMemory.ElementSize(type);
        return (n + pack - 1) / pack;
    }

    private static void Check(Tensor tensor, Tensor like, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.device_type != DeviceType.CUDA || tensor.device_index != like.device_index || tensor.dtype != like.dtype
            || !tensor.is_contiguous() || !tensor.shape.AsSpan().SequenceEqual(like.shape))
            throw new ArgumentException($"Expected a contiguous {like.dtype} ({string.Join(", ", like.shape)}) on a GPU, got "
                + $"{tensor.dtype} ({string.Join(", ", tensor.shape)}) on {tensor.device}", name);
    }
}
