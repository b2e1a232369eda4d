namespace TorchZoo.Data.Pde;

/// <summary>How <see cref="BurgersGenerator"/> solves.</summary>
public enum BurgersMethod
{
    /// <summary>
    /// The Cole–Hopf transform, which turns Burgers' equation into the heat equation: exact in time, one pair of transforms. The viscosity
    /// must not be too small for the initial state (ν ≥ 0.003 for the paper's measure).
    /// </summary>
    ColeHopf,

    /// <summary>Fourier collocation with the ⅔ rule and the classical Runge–Kutta method of order 4 with an integrating factor.</summary>
    SpectralRk4,
}
