using static TorchSharp.torch;

namespace TorchZoo.Losses;

/// <summary>Peak signal-to-noise ratio.</summary>
public static class Psnr
{
    /// <summary>10 log₁₀(peak²/mean (a − b)²) in decibels; infinite where a = b.</summary>
    /// <param name="a">Prediction.</param>
    /// <param name="b">Truth, of the same shape, not empty.</param>
    /// <param name="peak">Range of the values: 1 for [0, 1], 2 for [−1, 1].</param>
    /// <exception cref="ArgumentException">The shapes differ, are empty, hold integers, or the peak isn't positive.</exception>
    public static double Decibels(Tensor a, Tensor b, double peak = 1)
    {
        LossShapes.Check(a, b, 0);
        if (b.numel() == 0) throw new ArgumentException("Expected at least one value, got none.", nameof(b));
        if (!(peak > 0) || !double.IsFinite(peak)) throw new ArgumentException($"Expected a positive number, got {peak}.", nameof(peak));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var error = (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).square().mean().item<double>();
        return 10 * Math.Log10(peak * peak / error);
    }
}
