namespace TorchZoo.Kernels;

/// <summary>What stands for the derivative of a spike by the membrane potential, as a function of x, the potential's distance from the
/// threshold. The spike itself is always the step: 1 for x ≥ 0. Each has a parameter α.</summary>
public enum SurrogateGradient
{
    /// <summary>max(0, α − α² |x|): a triangle of area 1.</summary>
    Triangle,

    /// <summary>1/α where |x| ≤ α/2, else 0.</summary>
    Rectangle,

    /// <summary>α σ(αx) (1 − σ(αx)), the slope of a logistic function.</summary>
    Sigmoid,

    /// <summary>(α/2) / (1 + (π α x / 2)²), the slope of an arc tangent (Fang et al. 2021, arXiv 2007.05785).</summary>
    ArcTangent,

    /// <summary>1 / (1 + α |x|)² (Zenke and Ganguli 2018, arXiv 1705.11146).</summary>
    FastSigmoid,

    /// <summary>(α/2) e^(−α |x|)</summary>
    Exponential,
}
