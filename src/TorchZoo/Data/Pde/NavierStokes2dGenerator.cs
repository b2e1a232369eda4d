using System.Text.Json.Serialization;
using TorchSharp;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// The vorticity of an incompressible fluid on the unit torus, w_t + u·∇w = ν Δw + f with u = (ψ_y, −ψ_x), −Δψ = w: trajectories sampled at
/// equal intervals. Li et al., "Fourier Neural Operator" (2020), section 5.3: w(·, 0) ~ N(0, 7³ (−Δ + 49)^−2.5) and
/// f = 0.1 (sin 2π(x + y) + cos 2π(x + y)).
/// </summary>
public sealed record NavierStokes2dGenerator : IDataGenerator
{
    /// <summary>Grid points an axis of the solver (the paper: 256).</summary>
    public long Size { get; init; } = 64;

    /// <summary>Every how many points the data keep one (the paper: 4).</summary>
    public long Stride { get; init; } = 1;

    /// <summary>Viscosity ν.</summary>
    public double Viscosity { get; init; } = 1e-3;

    /// <summary>Frames recorded after the initial state.</summary>
    public int Frames { get; init; } = 50;

    /// <summary>Time between two frames.</summary>
    public double FrameInterval { get; init; } = 1;

    /// <summary>Largest time step (the paper: 10⁻⁴).</summary>
    public double TimeStep { get; init; } = 1e-2;

    /// <summary>Amplitude of the force f.</summary>
    public double ForcingAmplitude { get; init; } = 0.1;

    /// <summary>Smoothness α of the initial states' distribution N(0, τ^(2α − 2) (−Δ + τ²)^−α).</summary>
    public double Alpha { get; init; } = 2.5;

    /// <summary>Inverse length scale τ of that distribution.</summary>
    public double Tau { get; init; } = 7;

    /// <summary>Element type of the solver's arithmetic, float64 or float32.</summary>
    public ScalarType Precision { get; init; } = ScalarType.Float64;

    /// <summary>Element type of the data.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    string IDataGenerator.Name => "navier-stokes-2d";

    /// <summary>The distribution of w(·, 0).</summary>
    [JsonIgnore]
    public GaussianRandomField Initial => new(2, Size, Alpha, Tau);

    /// <summary>The paper's force, amplitude · (sin 2π(x + y) + cos 2π(x + y)), at the points (i/size, j/size).</summary>
    /// <param name="size">Grid points an axis.</param>
    /// <param name="amplitude">Its amplitude.</param>
    /// <returns>(size, size), float64</returns>
    public static Tensor Forcing(long size, double amplitude = 0.1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        using var scope = NewDisposeScope();
        var x = arange(0, size, dtype: ScalarType.Float64).mul_(2 * Math.PI / size);
        var phase = x.unsqueeze(1) + x;
        return (phase.sin() + phase.cos()).mul_(amplitude).MoveToOuterDisposeScope();
    }

    /// <summary>Draws initial states and solves for their trajectories.</summary>
    /// <returns><c>w0</c> (samples, s, s) and <c>w</c> (samples, s, s, Frames) at the times FrameInterval · (1 … Frames), s =
    /// ⌈Size/Stride⌉</returns>
    /// <inheritdoc/>
    public Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Stride);
        if (Precision is not (ScalarType.Float64 or ScalarType.Float32))
            throw new ArgumentException($"Expected float64 or float32, got {Precision}.", nameof(Precision));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start("Navier–Stokes data");
        using var generator = new Generator((ulong)seed);
        var w0 = Initial.Sample(samples, generator);
        var w = Integrate(w0, Forcing(Size, ForcingAmplitude), Viscosity, Frames * FrameInterval, TimeStep, Frames, Stride, Precision,
            DType, share => line.Report(share), cancellation);
        var every = TensorIndex.Slice(step: Stride);
        return new()
        {
            ["w0"] = w0[TensorIndex.Ellipsis, every, every].to(DType, copy: true).contiguous().MoveToOuterDisposeScope(),
            ["w"] = w.MoveToOuterDisposeScope(),
        };
    }

    /// <summary>
    /// Solves from time 0 to T by a Fourier method with the ⅔ rule, Crank–Nicolson for the diffusion and explicit Euler for the advection
    /// (order 1 in time).
    /// </summary>
    /// <param name="w0">Initial vorticity (…, rows, columns) at the points (i/rows, j/columns); its type is the one computed in.</param>
    /// <param name="f">Force, of a shape that broadcasts to w0's; null for none.</param>
    /// <param name="nu">Viscosity ν ≥ 0.</param>
    /// <param name="T">Final time &gt; 0.</param>
    /// <param name="dt">Largest time step; it is shortened so that it divides the time between two records.</param>
    /// <param name="recordSteps">How many states to record, at the times T/recordSteps · (1 … recordSteps).</param>
    /// <param name="progress">Told the share done, 0 to 1.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>(…, rows, columns, recordSteps), of w0's type</returns>
    /// <exception cref="ArgumentException">An argument is out of range.</exception>
    /// <exception cref="ArithmeticException">The time stepping blew up: dt is too large.</exception>
    public static Tensor Solve(Tensor w0, Tensor? f, double nu, double T, double dt = 1e-4, int recordSteps = 1,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        BatchedSolver.CheckField(w0, dim: 2, least: 2, nameof(w0));
        if (w0.dtype is not (ScalarType.Float64 or ScalarType.Float32))
            throw new ArgumentException($"Expected float64 or float32, got {w0.dtype}.", nameof(w0));
        return Integrate(w0, f, nu, T, dt, recordSteps, 1, w0.dtype, w0.dtype, progress, cancellation);
    }

    private static Tensor Integrate(Tensor w0, Tensor? f, double nu, double T, double dt, int records, long stride, ScalarType precision,
        ScalarType dtype, Action<double>? progress, CancellationToken cancellation)
    {
        BatchedSolver.CheckNumber(nu, nameof(nu), zero: true);
        BatchedSolver.CheckNumber(T, nameof(T));
        BatchedSolver.CheckNumber(dt, nameof(dt));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(records, "recordSteps");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (rows, columns) = (w0.shape[^2], w0.shape[^1]);
        var force = f?.to(w0.device);
        try { force = force?.expand(w0.shape).reshape(-1, rows, columns); }
        catch (Exception e) when (e is not ArgumentException)
        {
            throw new ArgumentException($"Expected a shape that broadcasts to w0's ({string.Join(", ", w0.shape)}), got "
                + $"({string.Join(", ", f!.shape)}).", nameof(f), e);
        }
        var states = w0.reshape(-1, rows, columns);
        var steps = BatchedSolver.Steps(T / records, dt);
        var stepper = new Stepper(rows, columns, nu, T / records / steps, precision, w0.device);
        var every = TensorIndex.Slice(step: stride);
        var result = empty([states.shape[0], (rows + stride - 1) / stride, (columns + stride - 1) / stride, records], dtype: dtype,
            device: w0.device);
        var bytes = 4 * rows * columns * precision.ElementSize();
        BatchedSolver.Run(states.shape[0], bytes, w0.device, (first, count, report) =>
        {
            var state = fft.rfft2(states.narrow(0, first, count).to(precision));
            var push = force is null ? null : stepper.Force(fft.rfft2(force.narrow(0, first, count).to(precision)));
            for (var record = 0; record < records; record++)
            {
                for (long i = 0; i < steps; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    stepper.Step(state, push);
                }
                using var frame = NewDisposeScope();
                var w = fft.irfft2(state, [rows, columns])[TensorIndex.Ellipsis, every, every];
                if (!w.isfinite().all().item<bool>())
                    throw new ArithmeticException($"Navier–Stokes: the time stepping blew up before t = {T / records * (record + 1):G4} "
                        + $"with a step of {stepper.TimeStep:G3}; choose a smaller dt (and check w0 and f).");
                result.narrow(0, first, count).select(3, record).copy_(w);
                report((record + 1.0) / records);
            }
        }, progress, cancellation);
        return result.reshape([.. w0.shape[..^2], .. result.shape[1..]]).MoveToOuterDisposeScope();
    }

    // ŵ ← (−dt F + dt f̂ + (1 − ½ dt ν|k|²) ŵ)/(1 + ½ dt ν|k|²), F = (u·∇w)^ without its upper third. All factors are made once.
    private sealed class Stepper
    {
        private readonly long[] _sizes;
        private readonly Tensor _velocityAndGradient; // (4, 1, rows, columns/2 + 1): ŵ ↦ û, v̂, ŵ_x, ŵ_y
        private readonly Tensor _advection;           // −dt · mask/(1 + ½ dt ν|k|²)
        private readonly Tensor _decay;               // (1 − ½ dt ν|k|²)/(1 + ½ dt ν|k|²)
        private readonly Tensor _force;               // dt/(1 + ½ dt ν|k|²)

        public Stepper(long rows, long columns, double nu, double dt, ScalarType precision, Device device)
        {
            using var scope = NewDisposeScope();
            _sizes = [rows, columns];
            TimeStep = dt;
            var complexType = precision == ScalarType.Float64 ? ScalarType.ComplexFloat64 : ScalarType.ComplexFloat32;
            var kx = Spectral.Wavenumbers(rows).mul_(2 * Math.PI).unsqueeze(1);
            var ky = Spectral.Wavenumbers(columns, half: true).mul_(2 * Math.PI);
            var laplacian = kx.square() + ky.square();
            var half = laplacian * (0.5 * dt * nu);
            var mask = Spectral.DealiasingMask(_sizes);
            mask[0, 0].fill_(0); // u·∇w = ∇·(uw) has no mean; this keeps rounding errors from giving it one
            // First derivatives of the highest mode of an even grid vanish at the grid's points.
            var dx = Spectral.Wavenumbers(rows, nyquist: false).mul_(2 * Math.PI).unsqueeze(1) + zeros_like(ky);
            var dy = zeros_like(kx) + Spectral.Wavenumbers(columns, half: true, nyquist: false).mul_(2 * Math.PI);
            var inverse = where(laplacian == 0, zeros_like(laplacian), 1 / laplacian);
            var imaginary = stack([dy * inverse, -dx * inverse, dx, dy]).unsqueeze(1);
            Tensor Keep(Tensor t) => t.to(complexType).to(device).MoveToOuterDisposeScope();
            _velocityAndGradient = Keep(complex(zeros_like(imaginary), imaginary));
            _advection = Keep(mask * -dt / (1 + half));
            _decay = Keep((1 - half) / (1 + half));
            _force = Keep(dt / (1 + half));
        }

        public double TimeStep { get; }

        public Tensor Force(Tensor spectrum) => spectrum.mul_(_force);

        public void Step(Tensor state, Tensor? push)
        {
            using var scope = NewDisposeScope();
            var fields = fft.irfft2(state * _velocityAndGradient, _sizes);
            var advection = fields[0].mul_(fields[2]).addcmul_(fields[1], fields[3], 1);
            state.mul_(_decay).addcmul_(fft.rfft2(advection), _advection, 1);
            if (push is not null) state.add_(push);
        }
    }
}
