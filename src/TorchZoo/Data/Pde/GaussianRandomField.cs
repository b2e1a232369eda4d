using TorchSharp;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// Gaussian random fields N(0, σ²(−Δ + τ²)^−α) on the unit box, without their constant part: α says how smooth they are, 1/τ is their
/// correlation length. Sampled by their expansion in the Laplacian's eigenfunctions (Karhunen–Loève). Li et al., "Fourier Neural Operator"
/// (2020), section 5.
/// </summary>
/// <remarks>
/// Sample i depends on the generator's state and on i alone, not on how many are drawn: a larger set begins with the smaller one. The
/// coefficients are drawn on the generator's device, where the fields lie too. Everything is computed in float64.
/// </remarks>
public sealed class GaussianRandomField
{
    private const long ChunkBytes = 16L << 20;
    private readonly double _sigma;

    /// <summary>Describes a field.</summary>
    /// <param name="dim">Space dimensions, ≥ 1.</param>
    /// <param name="size">Grid points an axis; also the number of modes (see <see cref="Modes"/>).</param>
    /// <param name="alpha">Smoothness α &gt; 0.</param>
    /// <param name="tau">Inverse length scale τ ≥ 0.</param>
    /// <param name="sigma">Scale σ; by default τ^((2α − dim)/2), which makes the variance nearly independent of τ.</param>
    /// <param name="boundary">Boundary condition.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public GaussianRandomField(int dim, long size, double alpha = 2, double tau = 3, double? sigma = null,
        Boundary boundary = Boundary.Periodic)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dim);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, boundary == Boundary.Periodic ? 1 : 3);
        if (!(alpha > 0) || !double.IsFinite(alpha))
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "Expected a positive number.");
        if (!(tau >= 0) || !double.IsFinite(tau)) throw new ArgumentOutOfRangeException(nameof(tau), tau, "Expected a number ≥ 0.");
        if (sigma is null && tau == 0)
            throw new ArgumentException("Expected a value: the default τ^((2α − dim)/2) needs τ > 0.", nameof(sigma));
        if (sigma is { } s && !(s >= 0 && double.IsFinite(s)))
            throw new ArgumentOutOfRangeException(nameof(sigma), s, "Expected a number ≥ 0.");
        if (!Enum.IsDefined(boundary))
            throw new ArgumentOutOfRangeException(nameof(boundary), boundary, "Expected a named boundary condition.");
        (Dim, Size, Alpha, Tau, Boundary) = (dim, size, alpha, tau, boundary);
        _sigma = sigma ?? Math.Pow(tau, (2 * alpha - dim) / 2);
        Modes = boundary == Boundary.Dirichlet ? size - 2 : size;
    }

    /// <summary>Space dimensions.</summary>
    public int Dim { get; }

    /// <summary>Grid points an axis.</summary>
    public long Size { get; }

    /// <summary>Smoothness α.</summary>
    public double Alpha { get; }

    /// <summary>Inverse length scale τ.</summary>
    public double Tau { get; }

    /// <summary>Scale σ.</summary>
    public double Sigma => _sigma;

    /// <summary>Boundary condition.</summary>
    public Boundary Boundary { get; }

    /// <summary>
    /// Modes an axis. Periodic: wavenumbers −⌊m/2⌋ … ⌈m/2⌉ − 1, by default m = size, all that the grid resolves; Neumann: 0 … m − 1, by
    /// default size; Dirichlet: 1 … m, by default size − 2, the interior points.
    /// </summary>
    public long Modes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, nameof(Modes));
            field = value;
        }
    }

    /// <summary>
    /// Gives periodic fields twice the variance, as the script of 2020 did, which drew the real and the imaginary part of each coefficient
    /// with variance 1 instead of ½.
    /// </summary>
    public bool LegacyVariance { get; init; }

    /// <summary>The variance of u(x), averaged over the domain (periodic: at every x): σ² Σ (λ_k + τ²)^−α over the modes.</summary>
    public double Variance
    {
        get
        {
            using var scope = NewDisposeScope();
            return Amplitudes(CPU).pow_(2).sum().item<double>() * (IsLegacy ? 2 : 1);
        }
    }

    private bool IsLegacy => LegacyVariance && Boundary == Boundary.Periodic;

    /// <summary>Draws n fields on the grid of <see cref="Size"/> points an axis.</summary>
    /// <param name="n">Fields, ≥ 0.</param>
    /// <param name="generator">Source of randomness.</param>
    /// <returns>(n, size, …), float64, on the generator's device</returns>
    public Tensor Sample(long n, Generator generator) => SampleOn(n, generator, Size)[0];

    /// <summary>
    /// Draws n functions and evaluates each of them on several grids: entry i of every result is the same function. The functions have the
    /// modes of <see cref="Modes"/> whatever the grids are, so that a coarse grid shows a fine one sub-sampled.
    /// </summary>
    /// <param name="n">Functions, ≥ 0.</param>
    /// <param name="generator">Source of randomness.</param>
    /// <param name="sizes">Points an axis of each grid.</param>
    /// <returns>For each size (n, size, …), float64, on the generator's device</returns>
    /// <exception cref="ArgumentException">n is negative, or a size too small.</exception>
    public Tensor[] SampleOn(long n, Generator generator, params ReadOnlySpan<long> sizes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        ArgumentNullException.ThrowIfNull(generator);
        foreach (var size in sizes) ArgumentOutOfRangeException.ThrowIfLessThan(size, Boundary == Boundary.Periodic ? 1 : 2, nameof(sizes));

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var device = generator.device;
        var amplitudes = Amplitudes(device);
        var periodic = Boundary == Boundary.Periodic;
        if (periodic) amplitudes = amplitudes.unsqueeze(-1).mul_(Math.Sqrt(IsLegacy ? 2 : 1)); // spreads over real and imaginary part
        var results = new Tensor[sizes.Length];
        var bases = new Tensor[sizes.Length];
        long largest = 0;
        for (var j = 0; j < sizes.Length; j++)
        {
            results[j] = empty([n, .. Enumerable.Repeat(sizes[j], Dim)], dtype: ScalarType.Float64, device: device);
            bases[j] = Boundary switch
            {
                Boundary.Neumann => TrigonometricTransforms.CosineBasis(sizes[j], Modes).to(device),
                Boundary.Dirichlet => TrigonometricTransforms.SineBasis(sizes[j], Modes).to(device),
                _ => Spectral.Wavenumbers(Modes, dtype: ScalarType.Int64, device: device).remainder(sizes[j]),
            };
            largest = Math.Max(largest, (long)Math.Pow(Math.Max(sizes[j], Modes), Dim));
        }

        var chunk = Math.Max(1, ChunkBytes / (16 * Math.Max(1, largest)));
        for (long first = 0; first < n; first += chunk)
        {
            using var part = NewDisposeScope();
            var count = Math.Min(chunk, n - first);
            var xi = empty([count, .. Enumerable.Repeat(Modes, Dim), .. periodic ? [2L] : Array.Empty<long>()], dtype: ScalarType.Float64,
                device: device);
            for (long i = 0; i < count; i++) xi.select(0, i).normal_(0, 1, generator);
            xi.mul_(amplitudes);
            for (var j = 0; j < sizes.Length; j++)
            {
                var fields = periodic ? Periodic(xi.view_as_complex(), bases[j], sizes[j])
                    : TrigonometricTransforms.Apply(xi, Enumerable.Repeat(bases[j], Dim).ToArray());
                results[j].narrow(0, first, count).copy_(fields);
            }
        }
        foreach (var result in results) result.MoveToOuterDisposeScope();
        return results;
    }

    // Re Σ_k c_k e^{2πi k·x} on s points an axis. Frequencies that such a grid cannot tell apart are added up, which makes this the exact
    // evaluation of the function on any grid, finer or coarser than its modes.
    private Tensor Periodic(Tensor coefficients, Tensor index, long size)
    {
        using var scope = NewDisposeScope();
        for (var axis = 1; axis <= Dim && size != Modes; axis++)
        {
            var shape = coefficients.shape;
            shape[axis] = size;
            coefficients = zeros(shape, dtype: coefficients.dtype, device: coefficients.device).index_add_(axis, index, coefficients, 1);
        }
        var axes = Enumerable.Range(1, Dim).Select(a => (long)a).ToArray();
        // "Forward" puts no 1/s^d on the inverse transform.
        return fft.ifftn(coefficients, dim: axes, norm: FFTNormType.Forward).real.MoveToOuterDisposeScope();
    }

    // σ (λ_k + τ²)^(−α/2) with −Δ's eigenvalues λ_k, and 0 for the constant function.
    private Tensor Amplitudes(Device device)
    {
        using var scope = NewDisposeScope();
        var (k, unit) = Boundary switch
        {
            Boundary.Periodic => (Spectral.Wavenumbers(Modes), 2 * Math.PI),
            Boundary.Neumann => (arange(0, Modes, dtype: ScalarType.Float64), Math.PI),
            _ => (arange(1, Modes + 1, dtype: ScalarType.Float64), Math.PI),
        };
        var squares = (k * unit).pow_(2);
        var eigenvalues = squares;
        for (var axis = 1; axis < Dim; axis++) eigenvalues = eigenvalues.unsqueeze(-1) + squares;
        var amplitudes = where(eigenvalues == 0, zeros_like(eigenvalues), (eigenvalues + Tau * Tau).pow(-Alpha / 2) * _sigma);
        return amplitudes.to(device).MoveToOuterDisposeScope();
    }
}
