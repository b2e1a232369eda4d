using System.Text.Json.Serialization;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// Darcy flow −∇·(a∇u) = f on (0, 1)², u = 0 on the boundary: the map from the coefficient a to the solution u, with f = 1. Li et al.,
/// "Fourier Neural Operator" (2020), section 5.2: a = 12 where g ≥ 0 and 3 elsewhere, g ~ N(0, (−Δ + 9)⁻²) with zero Neumann conditions.
/// </summary>
public sealed record DarcyGenerator : IDataGenerator
{
    /// <summary>Grid points an axis, both boundaries included.</summary>
    public long Size { get; init; } = 85;

    /// <summary>Every how many points the data keep one; it must divide Size − 1, so that both boundaries are kept.</summary>
    public long Stride { get; init; } = 1;

    /// <summary>Coefficient where g ≥ 0.</summary>
    public double High { get; init; } = 12;

    /// <summary>Coefficient where g &lt; 0.</summary>
    public double Low { get; init; } = 3;

    /// <summary>Smoothness α of g's distribution N(0, (−Δ + τ²)^−α).</summary>
    public double Alpha { get; init; } = 2;

    /// <summary>Inverse length scale τ of that distribution.</summary>
    public double Tau { get; init; } = 3;

    /// <summary>Cosine modes an axis in g; the same seed makes the same coefficients on every grid.</summary>
    public long Modes { get; init; } = 64;

    /// <summary>Relative residual to which the linear systems are solved.</summary>
    public double Tolerance { get; init; } = 1e-10;

    /// <summary>Element type of the data; they are computed in float64.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    string IDataGenerator.Name => "darcy";

    /// <summary>The distribution of g.</summary>
    [JsonIgnore]
    public GaussianRandomField Field => new(2, Size, Alpha, Tau, sigma: 1, Boundary.Neumann) { Modes = Modes };

    /// <summary>Draws coefficients.</summary>
    /// <param name="n">How many.</param>
    /// <param name="generator">Source of randomness.</param>
    /// <returns>a (n, Size, Size), float64</returns>
    public Tensor SampleCoefficient(long n, Generator generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return (Field.Sample(n, generator) >= 0).to(ScalarType.Float64).mul_(High - Low).add_(Low).MoveToOuterDisposeScope();
    }

    /// <summary>Draws coefficients and solves for them.</summary>
    /// <returns><c>a</c> and <c>u</c>, each (samples, (Size − 1)/Stride + 1, (Size − 1)/Stride + 1)</returns>
    /// <inheritdoc/>
    public Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        if (Stride < 1 || (Size - 1) % Stride != 0)
            throw new ArgumentException($"Expected a Stride that divides Size − 1 = {Size - 1}, got {Stride}.", nameof(Stride));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start("Darcy data");
        using var generator = new Generator((ulong)seed);
        var a = SampleCoefficient(samples, generator);
        var u = Solve(a, tol: Tolerance, progress: share => line.Report(share), cancellation: cancellation);
        var every = TensorIndex.Slice(step: Stride);
        Tensor Kept(Tensor t) => t[TensorIndex.Ellipsis, every, every].to(DType, copy: true).contiguous().MoveToOuterDisposeScope();
        return new() { ["a"] = Kept(a), ["u"] = Kept(u) };
    }

    /// <summary>
    /// Solves by 5-point fluxes with the mean of a at the two nodes of each face, and conjugate gradients preconditioned with the Poisson
    /// inverse. Errors are O(h²) where a is smooth.
    /// </summary>
    /// <param name="a">Coefficients a &gt; 0 (…, rows, columns) at the nodes (i/(rows − 1), j/(columns − 1)).</param>
    /// <param name="f">Right-hand sides at the nodes, of a shape that broadcasts to a's; null for 1. Boundary values don't matter.</param>
    /// <param name="tol">Relative residual at which a system counts as solved.</param>
    /// <param name="progress">Told the share done, 0 to 1.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>u of a's shape and type; computed in float64.</returns>
    /// <exception cref="ArgumentException">An argument is out of range, or a is not positive.</exception>
    /// <exception cref="NotConvergedException">A system cannot be solved to the tolerance.</exception>
    public static Tensor Solve(Tensor a, Tensor? f = null, double tol = 1e-10, Action<double>? progress = null,
        CancellationToken cancellation = default)
    {
        BatchedSolver.CheckField(a, dim: 2, least: 3, nameof(a));
        BatchedSolver.CheckNumber(tol, nameof(tol));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var right = (f ?? ones([], dtype: ScalarType.Float64, device: a.device)).to(a.device);
        try { right = right.expand(a.shape); }
        catch (Exception e) when (e is not ArgumentException)
        {
            throw new ArgumentException($"Expected a shape that broadcasts to a's ({string.Join(", ", a.shape)}), got "
                + $"({string.Join(", ", right.shape)}).", nameof(f), e);
        }
        if (!(a > 0).logical_and_(a.isfinite()).all().item<bool>())
            throw new ArgumentException("Expected positive, finite coefficients.", nameof(a));

        var (rows, columns) = (a.shape[^2], a.shape[^1]);
        var (hx, hy) = (1.0 / (rows - 1), 1.0 / (columns - 1));
        var coefficients = a.reshape(-1, rows, columns);
        right = right.reshape(-1, rows, columns);
        var result = zeros_like(coefficients);
        using var poisson = new DirichletPoisson([rows - 2, columns - 2], [hx, hy], device: a.device);
        BatchedSolver.Run(coefficients.shape[0], rows * columns * sizeof(double), a.device, (first, count, _) =>
        {
            var one = coefficients.narrow(0, first, count).to(ScalarType.Float64);
            var b = Interior(right.narrow(0, first, count)).to(ScalarType.Float64).contiguous();
            var system = new FluxOperator(one, hx, hy);
            var u = ConjugateGradients.Solve(system.Apply, b, poisson.Solve, tolerance: tol, maxIterations: 500,
                cancellation: cancellation);
            Interior(result.narrow(0, first, count)).copy_(u);
        }, progress, cancellation);
        return result.reshape(a.shape).MoveToOuterDisposeScope();
    }

    private static Tensor Interior(Tensor nodes) => nodes.narrow(-2, 1, nodes.shape[^2] - 2).narrow(-1, 1, nodes.shape[^1] - 2);

    // u at the interior nodes ↦ −∇·(a∇u) there.
    private sealed class FluxOperator
    {
        private readonly Tensor _ax; // a/h² on the faces between rows, (batch, rows − 1, columns − 2)
        private readonly Tensor _ay; // and between columns, (batch, rows − 2, columns − 1)
        private readonly Tensor _padded;

        public FluxOperator(Tensor a, double hx, double hy)
        {
            var (rows, columns) = (a.shape[1], a.shape[2]);
            var inner = a.narrow(2, 1, columns - 2);
            _ax = (inner.narrow(1, 0, rows - 1) + inner.narrow(1, 1, rows - 1)).mul_(0.5 / (hx * hx));
            inner = a.narrow(1, 1, rows - 2);
            _ay = (inner.narrow(2, 0, columns - 1) + inner.narrow(2, 1, columns - 1)).mul_(0.5 / (hy * hy));
            _padded = zeros_like(a); // its boundary stays zero
        }

        public Tensor Apply(Tensor u)
        {
            using var scope = NewDisposeScope();
            var (n, m) = (u.shape[1], u.shape[2]);
            Interior(_padded).copy_(u);
            var inner = _padded.narrow(2, 1, m);
            var fx = (inner.narrow(1, 0, n + 1) - inner.narrow(1, 1, n + 1)).mul_(_ax);
            inner = _padded.narrow(1, 1, n);
            var fy = (inner.narrow(2, 0, m + 1) - inner.narrow(2, 1, m + 1)).mul_(_ay);
            var result = fx.narrow(1, 1, n) - fx.narrow(1, 0, n);
            return result.add_(fy.narrow(2, 1, m)).sub_(fy.narrow(2, 0, m)).MoveToOuterDisposeScope();
        }
    }
}
