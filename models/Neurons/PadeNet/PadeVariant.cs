namespace TorchZoo.Models.Neurons;

/// <summary>How a Padé neuron divides its numerator P_K by its denominator Q_L.</summary>
public enum PadeVariant
{
    /// <summary>P_K / Q_L: has poles, fails in training unless there is no denominator (L = 0).</summary>
    Plain,

    /// <summary>Paon-A: P_K / (1 + |Q_L − 1|), at most as large as P_K; with a kink where Q_L is 1.</summary>
    Absolute,

    /// <summary>Paon-S: (Q_L P_K + Q_{L−1} P_{K−1}) / (Q_L² + Q_{L−1}²), the real part of a complex quotient; smooth. It needs L ≥ 1; for
    /// L = 1 the denominator is at least 1.</summary>
    Smoothed,
}
