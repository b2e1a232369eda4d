namespace TorchZoo.Models.Neurons;

/// <summary>How <see cref="ReLinear.Shrink"/> draws the quadratic parts to those of an ordinary layer.</summary>
public enum ShrinkNorm
{
    /// <summary>By a step β of each number, at most to the end: θ ← θ₀ + sign(θ − θ₀) max(|θ − θ₀| − β, 0).</summary>
    L1,

    /// <summary>By a share α of the distance: θ ← θ₀ + (1 − α)(θ − θ₀).</summary>
    L2,
}
