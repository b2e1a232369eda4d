using static TorchSharp.torch;

namespace TorchZoo.Losses;

/// <summary>Signal-to-noise ratio.</summary>
public static class Snr
{
    /// <summary>10 log₁₀(Σ b²/Σ (a − b)²) in decibels; infinite where a = b, 0 for a = 0.</summary>
    /// <param name="a">Prediction.</param>
    /// <param name="b">Truth, of the same shape, not empty and not 0 everywhere.</param>
    /// <exception cref="ArgumentException">The shapes differ, are empty, hold integers, or the truth is silence.</exception>
    public static double Decibels(Tensor a, Tensor b)
    {
        LossShapes.Check(a, b, 0);
        if (b.numel() == 0) throw new ArgumentException("Expected at least one value, got none.", nameof(b));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var truth = b.to(ScalarType.Float64);
        var signal = truth.square().sum().item<double>();
        if (signal == 0) throw new ArgumentException("Expected a value that isn't 0, got none.", nameof(b));
        return 10 * Math.Log10(signal / (a.to(ScalarType.Float64) - truth).square().sum().item<double>());
    }
}
