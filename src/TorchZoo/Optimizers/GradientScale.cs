using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>What an update multiplies gradients by on its way, so that clipping and loss scaling need no pass of their own over them.</summary>
/// <param name="Factor">The factor, where the optimizer computes on a CPU.</param>
/// <param name="Divisor">Its inverse, a float32 scalar on the parameters' device; null: read <paramref name="Factor"/>.</param>
internal readonly record struct GradientScale(double Factor, Tensor? Divisor = null)
{
    /// <summary>Gradients as they are.</summary>
    public static GradientScale One => new(1);

    /// <summary>Gradients times a scalar tensor, which is read only if it is on a CPU.</summary>
    public static GradientScale By(Tensor factor) =>
        factor.device_type == DeviceType.CPU ? new(factor.ToDouble()) : new(1, factor.reciprocal());

    /// <summary>The divisor as a tensor in the caller's dispose scope; null: gradients as they are.</summary>
    public Tensor? DivisorOn(Device device) => Divisor?.to(ScalarType.Float32, device)
        ?? (Factor == 1 ? null : full([], 1 / Factor, ScalarType.Float32, device));

    /// <summary>The factor as a number; reading it from another device waits for that.</summary>
    public double Value
    {
        get
        {
            if (Divisor is null) return Factor;
            using var number = Divisor.to(ScalarType.Float64);
            return 1 / number.item<double>();
        }
    }
}
