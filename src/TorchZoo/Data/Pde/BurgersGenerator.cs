using System.Text.Json.Serialization;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// Burgers' equation u_t + (u²/2)_x = ν u_xx on (0, 1), periodic: the map from u(·, 0) to u(·, T). Li et al., "Fourier Neural Operator"
/// (2020), section 5.1, with u(·, 0) ~ N(0, 625 (−Δ + 25)⁻²).
/// </summary>
public sealed record BurgersGenerator : IDataGenerator
{
    // φ spans this many orders before its rounding errors reach the result.
    private const double SmallestRatio = 1e-12;

    /// <summary>Grid points of the solver.</summary>
    public long Size { get; init; } = 1024;

    /// <summary>Every how many points the data keep one.</summary>
    public long Stride { get; init; } = 1;

    /// <summary>Viscosity ν.</summary>
    public double Viscosity { get; init; } = 0.1;

    /// <summary>Time T of the solution.</summary>
    public double Time { get; init; } = 1;

    /// <summary>Smoothness α of the initial states' distribution N(0, σ²(−Δ + τ²)^−α).</summary>
    public double Alpha { get; init; } = 2;

    /// <summary>Inverse length scale τ of that distribution.</summary>
    public double Tau { get; init; } = 5;

    /// <summary>Scale σ of that distribution.</summary>
    public double Sigma { get; init; } = 25;

    /// <summary>How to solve.</summary>
    public BurgersMethod Method { get; init; } = BurgersMethod.ColeHopf;

    /// <summary>Element type of the data; they are computed in float64.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    string IDataGenerator.Name => "burgers";

    /// <summary>The distribution of u(·, 0).</summary>
    [JsonIgnore]
    public GaussianRandomField Initial => new(1, Size, Alpha, Tau, Sigma);

    /// <summary>Draws initial states and solves for them.</summary>
    /// <returns><c>u0</c> and <c>u</c>, each (samples, ⌈Size/Stride⌉)</returns>
    /// <inheritdoc/>
    public Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Stride);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start("Burgers data");
        using var generator = new Generator((ulong)seed);
        var u0 = Initial.Sample(samples, generator);
        var u = Solve(u0, Viscosity, Time, Method, progress: share => line.Report(share), cancellation: cancellation);
        Tensor Kept(Tensor t) =>
            t[TensorIndex.Ellipsis, TensorIndex.Slice(step: Stride)].to(DType, copy: true).contiguous().MoveToOuterDisposeScope();
        return new() { ["u0"] = Kept(u0), ["u"] = Kept(u) };
    }

    /// <summary>Solves from time 0 to t.</summary>
    /// <param name="u0">Initial states (…, size) at x = i/size.</param>
    /// <param name="nu">Viscosity ν &gt; 0.</param>
    /// <param name="t">Time ≥ 0.</param>
    /// <param name="method">How to solve.</param>
    /// <param name="dt">Largest time step of <see cref="BurgersMethod.SpectralRk4"/>; by default 10⁻³, or less where stability asks for
    /// it.</param>
    /// <param name="progress">Told the share done, 0 to 1.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>u(·, t) of u0's shape and type; computed in float64.</returns>
    /// <exception cref="ArgumentException">An argument is out of range, or Cole–Hopf cannot resolve so small a viscosity.</exception>
    /// <exception cref="ArithmeticException">The time stepping blew up: dt is too large.</exception>
    public static Tensor Solve(Tensor u0, double nu, double t, BurgersMethod method = BurgersMethod.ColeHopf, double? dt = null,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        BatchedSolver.CheckField(u0, dim: 1, least: 2, nameof(u0));
        BatchedSolver.CheckNumber(nu, nameof(nu));
        BatchedSolver.CheckNumber(t, nameof(t), zero: true);
        if (dt is { } given) BatchedSolver.CheckNumber(given, nameof(dt));
        if (!Enum.IsDefined(method)) throw new ArgumentOutOfRangeException(nameof(method), method, "Expected a named method.");

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var size = u0.shape[^1];
        var cases = u0.reshape(-1, size);
        var result = empty_like(cases);
        BatchedSolver.Run(cases.shape[0], size * sizeof(double), u0.device, (first, count, report) =>
        {
            var start = cases.narrow(0, first, count).to(ScalarType.Float64);
            var end = method == BurgersMethod.ColeHopf ? ColeHopf(start, nu, t) : SpectralRk4(start, nu, t, dt, report, cancellation);
            result.narrow(0, first, count).copy_(end);
        }, progress, cancellation);
        return result.reshape(u0.shape).MoveToOuterDisposeScope();
    }

    // u = −2ν φ'/φ with φ_t = ν φ_xx and φ(·, 0) = exp(−P/2ν), P' = u0. A mean c of u0 is split off first: in a frame that moves with
    // velocity c the rest obeys the same equation, and its antiderivative is periodic.
    private static Tensor ColeHopf(Tensor u0, double nu, double t)
    {
        using var scope = NewDisposeScope();
        var size = u0.shape[^1];
        var odd = Spectral.Wavenumbers(size, half: true, nyquist: false, device: u0.device).mul_(2 * Math.PI);
        var k = Spectral.Wavenumbers(size, half: true, device: u0.device).mul_(2 * Math.PI);
        var ik = complex(zeros_like(odd), odd);
        var antiderivative = where(odd == 0, zeros_like(ik), 1 / ik);
        var mean = u0.mean([-1], keepdim: true);

        var exponent = fft.irfft(fft.rfft(u0) * antiderivative, size).mul_(-1 / (2 * nu));
        exponent.sub_(exponent.amax([-1], keepdim: true));
        var heat = (k.square() * (-nu * t)).exp_();
        var shift = polar(ones_like(mean * odd), mean * odd * -t);
        var spectrum = fft.rfft(exponent.exp_()).mul_(heat).mul_(shift);
        var phi = fft.irfft(spectrum, size);
        if (phi.numel() > 0)
        {
            var ratio = (phi.amin([-1]) / phi.amax([-1])).min().item<double>();
            if (!(ratio > SmallestRatio))
                throw new ArgumentException($"The viscosity {nu:G4} is too small for Cole–Hopf with these initial states: φ spans "
                    + $"a ratio of {ratio:G2}, below {SmallestRatio:G1}. "
                    + $"Use BurgersMethod.SpectralRk4 (and check that u0 is finite).", nameof(nu));
        }
        var slope = fft.irfft(spectrum.mul_(ik), size);
        var u = slope.div_(phi).mul_(-2 * nu);
        // The integral of φ'/φ over a period is 0; where φ nearly vanishes, rounding leaves more than that.
        return u.sub_(u.mean([-1], keepdim: true)).add_(mean).MoveToOuterDisposeScope();
    }

    // û' = −νk²û − ½ik (u²)^ with v = e^{νk²t} û as the unknown (Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005), section 2).
    private static Tensor SpectralRk4(Tensor u0, double nu, double t, double? dt, Action<double> report, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var size = u0.shape[^1];
        if (t == 0 || u0.numel() == 0) return u0.clone().MoveToOuterDisposeScope();
        var mask = Spectral.DealiasingMask([size], device: u0.device);
        var k = Spectral.Wavenumbers(size, half: true, device: u0.device).mul_(2 * Math.PI);
        // Runge–Kutta 4 is stable for k |u| dt ≤ 2.8, and |u| does not grow.
        var fastest = (k * mask).amax().item<double>() * u0.abs().amax().item<double>();
        var steps = BatchedSolver.Steps(t, dt ?? Math.Min(1e-3, fastest > 0 ? 2 / fastest : double.MaxValue));
        var h = t / steps;
        var advect = complex(zeros_like(k), -0.5 * k * mask);
        var half = (k.square() * (-nu * h / 2)).exp_().to(ScalarType.ComplexFloat64);
        var full = half.square();
        var v = fft.rfft(u0).mul_(mask);

        for (long i = 0; i < steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var decayed = half * v;
            var a = Advection(v, advect, size);
            var b = Advection((a * half).mul_(h / 2).add_(decayed), advect, size);
            var c = Advection((b * (h / 2)).add_(decayed), advect, size);
            v.mul_(full);
            var d = Advection((c * half).mul_(h).add_(v), advect, size);
            v.add_(a.mul_(full).add_(b.add_(c).mul_(half), 2).add_(d), h / 6);
            if (i % 16 == 15) report((i + 1.0) / steps);
        }
        var u = fft.irfft(v, size);
        if (!u.isfinite().all().item<bool>())
            throw new ArithmeticException($"Burgers' equation: the time stepping blew up with a step of {h:G3}; "
                + "choose a smaller dt (and check u0).");
        return u.MoveToOuterDisposeScope();
    }

    private static Tensor Advection(Tensor spectrum, Tensor advect, long size)
    {
        using var scope = NewDisposeScope();
        var u = fft.irfft(spectrum, size);
        return fft.rfft(u.mul_(u)).mul_(advect).MoveToOuterDisposeScope();
    }
}
