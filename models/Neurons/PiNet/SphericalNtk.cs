using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Neural tangent kernels of infinitely wide networks of two layers, without biases, of inputs of length 1: functions of the angle θ
/// between two of them. With κ_0 = (π − θ)/π and κ_1 = (sin θ + (π − θ) cos θ)/π.
/// </summary>
/// <remarks>Source: Choraria et al. 2022, section 3; κ are the arc-cosine kernels of Cho and Saul 2009.</remarks>
public static class SphericalNtk
{
    /// <summary>That of √(2/m) Σ c_i relu(w_i · x): κ_1 + cos θ κ_0.</summary>
    /// <param name="theta">Angles in [0, π], of any shape.</param>
    public static Tensor Relu(Tensor theta)
    {
        ArgumentNullException.ThrowIfNull(theta);
        using var scope = NewDisposeScope();
        return (Kappa1(theta) + theta.cos() * Kappa0(theta)).MoveToOuterDisposeScope();
    }

    /// <summary>That of √(2/m) Σ c_i (v_i · x) relu(w_i · x), with a multiplicative skip connection: 2 cos θ κ_1 + cos²θ κ_0. Its harmonics
    /// are those of κ_1 + <see cref="Relu"/> shifted by one to both sides.</summary>
    /// <param name="theta">Angles in [0, π], of any shape.</param>
    public static Tensor Multiplicative(Tensor theta)
    {
        ArgumentNullException.ThrowIfNull(theta);
        using var scope = NewDisposeScope();
        return (theta.cos() * (Kappa1(theta) + Relu(theta))).MoveToOuterDisposeScope();
    }

    /// <summary>κ_0 = (π − θ)/π.</summary>
    /// <param name="theta">Angles in [0, π], of any shape.</param>
    public static Tensor Kappa0(Tensor theta)
    {
        ArgumentNullException.ThrowIfNull(theta);
        using var scope = NewDisposeScope();
        return ((Math.PI - theta) / Math.PI).MoveToOuterDisposeScope();
    }

    /// <summary>κ_1 = (sin θ + (π − θ) cos θ)/π.</summary>
    /// <param name="theta">Angles in [0, π], of any shape.</param>
    public static Tensor Kappa1(Tensor theta)
    {
        ArgumentNullException.ThrowIfNull(theta);
        using var scope = NewDisposeScope();
        return ((theta.sin() + (Math.PI - theta) * theta.cos()) / Math.PI).MoveToOuterDisposeScope();
    }

    /// <summary>A kernel's Fourier coefficients on the circle, e_k = mean over φ of K(φ) cos(kφ): how fast frequency k is
    /// learned.</summary>
    /// <param name="kernel">K of angles in [0, π], e.g. <see cref="Relu"/>.</param>
    /// <param name="n">Angles around the circle.</param>
    /// <returns>e_0, …, e_{n/2}, float64.</returns>
    /// <exception cref="ArgumentException">n isn't positive, or the kernel's values are of another shape than the angles.</exception>
    public static Tensor CircleSpectrum(Func<Tensor, Tensor> kernel, int n)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        using var scope = NewDisposeScope();
        var angle = arange(n, ScalarType.Float64) * (2 * Math.PI / n);
        var values = kernel(minimum(angle, 2 * Math.PI - angle));
        if (values.dim() != 1 || values.shape[0] != n)
            throw new ArgumentException($"Expected a kernel with a value an angle ({n}), got ({string.Join(", ", values.shape)})",
                nameof(kernel));
        return (fft.rfft(values.to(ScalarType.Float64)).real / n).clone().MoveToOuterDisposeScope();
    }
}
