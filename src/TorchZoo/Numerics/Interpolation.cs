namespace TorchZoo.Numerics;

/// <summary>How to go from values on a grid to a function.</summary>
public enum Interpolation
{
    /// <summary>Straight lines between the values.</summary>
    Linear,

    /// <summary>A cubic spline whose third derivative is continuous at the second and the last but one grid point (not-a-knot):
    /// fourth order up to the ends.</summary>
    Cubic,

    /// <summary>A cubic spline whose second derivative vanishes at both ends: second order there.</summary>
    NaturalCubic,
}
