using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Relatives of the error function.</summary>
public static class ErrorFunctions
{
    // From here on the series' first seven terms are exact; up to here neither factor overflows or underflows.
    private const double Far = 25;

    /// <summary>The scaled complementary error function e^(x²) erfc(x), to about 10⁻¹³ of its value; differentiable. It neither
    /// overflows nor
    /// underflows for x ≥ 0, where its factors do.</summary>
    /// <remarks>TorchSharp's function of that name computes erfc.</remarks>
    /// <param name="x">Float64, of any shape.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    public static Tensor Erfcx(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Kernels.Expect.Type(x, nameof(x), ScalarType.Float64);
        using var scope = NewDisposeScope();
        // Each branch sees only what it is for: the gradient of an infinity that isn't taken would be NaN.
        var isFar = x > Far;
        var near = x.clamp_max(Far);
        var far = x.clamp_min(Far);
        var half = 0.5 / far.square();
        var series = ones_like(x);
        for (var k = 6; k > 0; k--) series = 1 - (2 * k - 1) * half * series;
        return where(isFar, series / (Math.Sqrt(Math.PI) * far), near.square().exp() * near.erfc()).MoveToOuterDisposeScope();
    }
}
