namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Covariance functions k(x, x') of unit variance; d = |x − x'|, l the length scale.</summary>
public enum Kernel
{
    /// <summary>exp(−d²/2l²), the squared exponential: infinitely smooth functions.</summary>
    Rbf,

    /// <summary>exp(−d/l), the absolute exponential (Ornstein–Uhlenbeck): continuous functions without a derivative.</summary>
    Exponential,

    /// <summary>exp(−2 sin²(πd/L)/l²): functions of period L, the length of the domain; l is relative to L/π.</summary>
    Periodic,
}
