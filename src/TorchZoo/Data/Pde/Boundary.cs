namespace TorchZoo.Data.Pde;

/// <summary>Boundary condition of the Laplacian that defines a <see cref="GaussianRandomField"/>.</summary>
public enum Boundary
{
    /// <summary>Periodic; the grid is i/s, without the end point.</summary>
    Periodic,

    /// <summary>Zero normal derivative; the grid is i/(s − 1), both ends included.</summary>
    Neumann,

    /// <summary>Zero on the boundary; the grid is i/(s − 1), both ends included.</summary>
    Dirichlet,
}
