using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>What layers around an activation have in common.</summary>
internal static class ActivationWrapper
{
    public static ParametricActivation Create(string name, long numParameters, int channelDim, string argument) =>
        ActivationRegistry.Create(name, numParameters: numParameters, channelDim: channelDim) as ParametricActivation
        ?? throw new ArgumentException($"Expected an activation of single numbers, got {name}", argument);

    public static void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!x.is_floating_point()) throw new ArgumentException($"Expected numbers of floating point, got {x.dtype}", nameof(x));
    }

    /// <summary>One number, or one a channel, broadcastable with an input.</summary>
    public static Tensor Fitted(Tensor value, Tensor x, int channelDim)
    {
        if (value.numel() == 1) return x.dim() == 0 ? value.reshape([]) : value;
        var axis = channelDim < 0 ? channelDim + x.dim() : Math.Min(channelDim, x.dim() - 1);
        if (axis < 0 || x.shape[axis] != value.shape[0])
            throw new ArgumentOutOfRangeException(nameof(x), $"({string.Join(", ", x.shape)})",
                $"Expected {value.shape[0]} channels along axis {channelDim}");
        return value.view([-1, .. Enumerable.Repeat(1L, (int)(x.dim() - axis - 1))]);
    }
}
