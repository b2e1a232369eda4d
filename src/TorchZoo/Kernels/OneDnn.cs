using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// libtorch computes float32 convolutions on CPUs with oneDNN. The one in libtorch 2.10 gets the gradient with respect to the input wrong on
/// some CPUs where a convolution has fewer output channels than a vector register has lanes (measured: 8 → 8 channels, 3×3: 35 % off; 64 → 1:
/// NaN). PyTorch's switch for it, <c>torch.backends.mkldnn</c>, is not bound by TorchSharp; here it is reached by its C++ name.
/// </summary>
internal static unsafe class OneDnn
{
    private const string GlobalContext = "_ZN2at13globalContextEv";
    private const string SetUserEnabledMkldnn = "_ZN2at7Context20setUserEnabledMkldnnEb";
    private const string SetUserEnabledNnpack = "_ZN2at7Context20setUserEnabledNNPACKEb";

    /// <summary>Tries a gradient, and switches oneDNN off for this process if it is wrong.</summary>
    /// <returns>What was done, in a sentence; null if all is well.</returns>
    public static string? SwitchOffIfWrong()
    {
        // Next in line would be NNPACK, which writes a warning at each call where it does not know the CPU.
        TrySet(SetUserEnabledNnpack, false);
        if (GradientIsRight()) return null;
        return Use(false)
            ? "oneDNN computes wrong convolution gradients on this CPU; it is switched off, which makes convolutions slower."
            : "oneDNN computes wrong convolution gradients on this CPU and cannot be switched off here: do not trust convolutional networks.";
    }

    /// <summary>Switches oneDNN on or off for this process.</summary>
    /// <returns>Whether that could be done.</returns>
    public static bool Use(bool on) => TrySet(SetUserEnabledMkldnn, on);

    /// <summary>Whether the input gradients of small convolutions equal those in float64, which oneDNN does not compute.</summary>
    private static bool GradientIsRight()
    {
        using var on = enable_grad();
        using var generator = new Generator(1);
        // It reads memory that it hasn't written, which may happen to hold what it should: the first case shows it at nearly every try, all
        // of them together always did.
        return Enumerable.Range(0, 2).All(_ =>
            IsRight([4, 64, 256], [1, 64, 9], generator) && IsRight([4, 12, 32, 32], [12, 12, 3, 3], generator) && IsRight([2, 8, 16, 16], [8, 8, 3, 3], generator));
    }

    private static bool IsRight(long[] inputShape, long[] weightShape, Generator generator)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(inputShape, generator: generator), w = randn(weightShape, generator: generator);
        long[] padding = [.. weightShape.Skip(2).Select(k => k / 2)];
        var c = randn([inputShape[0], weightShape[0], .. inputShape.Skip(2)], generator: generator);
        return Gradient(ScalarType.Float32).to(ScalarType.Float64).allclose(Gradient(ScalarType.Float64), rtol: 1e-3, atol: 1e-3);

        Tensor Gradient(ScalarType type)
        {
            var input = x.to(type).detach().requires_grad_();
            var y = padding.Length == 1 ? nn.functional.conv1d(input, w.to(type), padding: padding[0]) : nn.functional.conv2d(input, w.to(type), padding: padding);
            (y * c.to(type)).sum().backward();
            return input.grad!;
        }
    }

    // A switch of at::Context, by its C++ name.
    private static bool TrySet(string setter, bool value)
    {
        var (context, set) = (TorchExports.Find(GlobalContext), TorchExports.Find(setter));
        if (context == 0 || set == 0) return false;
        ((delegate* unmanaged<nint, byte, void>)set)(((delegate* unmanaged<nint>)context)(), value ? (byte)1 : (byte)0);
        return true;
    }
}
