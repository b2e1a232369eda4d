using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>
/// The loss of a solution of the Helmholtz equation on [−1, 1]² with perfectly matched layers along the edges:
/// ∂_x(A ∂_xΦ) + ∂_y(B ∂_yΦ) + k² C m Φ = f with A = e_y/e_x, B = e_x/e_y, C = e_x e_y, e_x = 1 − i s_x/k, s_x = k a₀ (depth/L)²; inside
/// the layers' frame e_x = e_y = 1 and this is ΔΦ + k² m Φ = f. Complex fields are pairs of channels, real and imaginary part; m is the
/// squared slowness.
/// </summary>
/// <remarks>Source: Sitzmann et al. 2020, section 4.3 and supplement 4, with the numbers and the sign of f of the reference
/// implementation, for which (i/4) H₀⁽²⁾(kr) is the response to a point source.</remarks>
public sealed record HelmholtzPmlLoss
{
    /// <summary>k</summary>
    public double Wavenumber { get; init; } = 20;

    /// <summary>Thickness L of the layers.</summary>
    public double LayerThickness { get; init; } = 0.5;

    /// <summary>Strength a₀ of the layers.</summary>
    public double Absorption { get; init; } = 5;

    /// <summary>Squared slowness is 1 where a coordinate is beyond this: the inverse problem looks inside only.</summary>
    public double InverseRegion { get; init; } = 0.75;

    /// <summary>A source (1 + i) times the Gaussian density of that variance, cut to 0 below 10⁻⁵.</summary>
    /// <param name="coords">(…, 2)</param>
    /// <param name="x">Centre.</param>
    /// <param name="y">Centre.</param>
    /// <param name="variance">The variance (which the reference calls σ).</param>
    /// <returns>(…, 2)</returns>
    /// <exception cref="ArgumentException">Not two coordinates, or the variance isn't positive.</exception>
    public static Tensor GaussianSource(Tensor coords, double x = 0, double y = 0, double variance = 1e-4)
    {
        Require.LastAxis(coords, 2, nameof(coords));
        Require.Positive(variance, nameof(variance));
        using var scope = NewDisposeScope();
        var squared = (coords.narrow(-1, 0, 1) - x).square() + (coords.narrow(-1, 1, 1) - y).square();
        var density = (squared * (-0.5 / variance)).exp() / (2 * Math.PI * variance);
        var cut = where(density < 1e-5, zeros_like(density), density);
        return cat([cut, cut], -1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The field of a <see cref="GaussianSource"/> in free space, outside the source: (1 + i) e^(−κ²v/2) (i/4) H₀⁽²⁾(κr) with κ = k√m. The
    /// Gaussian, for it is round, radiates as a point of its Fourier transform's value at κ. Inside the layers' frame it is the solution
    /// of the problem, but for what the layers reflect.
    /// </summary>
    /// <param name="coords">(…, 2)</param>
    /// <param name="x">Centre.</param>
    /// <param name="y">Centre.</param>
    /// <param name="variance">v; 0: a point source.</param>
    /// <param name="squaredSlowness">m, the same everywhere.</param>
    /// <returns>(…, 2), to within 4·10⁻⁷, which is how well libtorch knows the Bessel functions; not finite in the centre.</returns>
    /// <exception cref="ArgumentException">Not two coordinates, or a number is out of range.</exception>
    public Tensor FreeField(Tensor coords, double x = 0, double y = 0, double variance = 1e-4, double squaredSlowness = 1)
    {
        Require.LastAxis(coords, 2, nameof(coords));
        Require.NotNegative(variance, nameof(variance));
        Require.Positive(squaredSlowness, nameof(squaredSlowness));
        Require.Positive(Wavenumber, nameof(Wavenumber));
        using var scope = NewDisposeScope();
        var k = Wavenumber * Math.Sqrt(squaredSlowness);
        var at = coords.to(ScalarType.Float64);
        var angle = ((at.narrow(-1, 0, 1) - x).square() + (at.narrow(-1, 1, 1) - y).square()).sqrt() * k;
        var (j, v) = (special.bessel_j0(angle), special.bessel_y0(angle));
        // (1 + i)(i/4)(J − iY) = (1 + i)(Y + iJ)/4
        return (cat([v - j, v + j], -1) * (Math.Exp(-0.5 * k * k * variance) / 4)).to(coords.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Points near a source, where it isn't 0: uniform in the disc of radius 500 variances.</summary>
    /// <returns>(count, 2), float32</returns>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static Tensor PointsNearSource(long count, double x = 0, double y = 0, double variance = 1e-4, Generator? generator = null)
    {
        Require.Positive(count, nameof(count));
        Require.Positive(variance, nameof(variance));
        return FieldCoordinates.Disc(count, x, y, 500 * variance, generator);
    }

    /// <summary>∂_x(A ∂_xΦ) + ∂_y(B ∂_yΦ) + k² C m Φ</summary>
    /// <param name="coords">(…, 2)</param>
    /// <param name="field">Φ (…, 2p) with its gradient and ∂²/∂x², ∂²/∂y² (<see cref="SecondOrder.Each"/>).</param>
    /// <param name="squaredSlowness">m (…, 1), real; null: 1.</param>
    /// <returns>(…, 2p)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor Operator(Tensor coords, FieldJet field, Tensor? squaredSlowness = null)
    {
        Require.LastAxis(coords, 2, nameof(coords));
        ArgumentNullException.ThrowIfNull(field);
        long[] lead = coords.shape[..^1];
        var channels = field.Value.shape[^1];
        if (channels == 0 || channels % 2 != 0) throw new ArgumentException($"Expected pairs of channels, got {channels}", nameof(field));
        Require.Shape(field.Value, [.. lead, channels], nameof(field));
        Require.Shape(field.Gradient, [.. lead, channels, 2], nameof(field));
        Require.Shape(field.Second, [.. lead, channels, 2], nameof(field));
        if (squaredSlowness is not null) Require.Shape(squaredSlowness, [.. lead, 1], nameof(squaredSlowness));
        using var scope = NewDisposeScope();
        var (ex, dex) = Stretch(coords.narrow(-1, 0, 1));
        var (ey, dey) = Stretch(coords.narrow(-1, 1, 1));
        var (a, b) = (ey / ex, ex / ey);
        // ∂_x e_y = 0, so ∂_x A = −A e_x'/e_x.
        var sum = a * Pair(field.Second.select(-1, 0)) - a * dex / ex * Pair(field.Gradient.select(-1, 0))
            + b * Pair(field.Second.select(-1, 1)) - b * dey / ey * Pair(field.Gradient.select(-1, 1));
        var wave = ex * ey * Pair(field.Value) * (Wavenumber * Wavenumber);
        return (sum + (squaredSlowness is null ? wave : wave * squaredSlowness)).Channels().MoveToOuterDisposeScope();
    }

    /// <summary>Σ |residual| with weight N/1000 where the source isn't 0 and 1 elsewhere, N the number of points.</summary>
    /// <param name="coords">(…, 2)</param>
    /// <param name="field">As in <see cref="Operator"/>.</param>
    /// <param name="source">f (…, 2p)</param>
    /// <param name="squaredSlowness">m (…, 1); null: 1.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor Loss(Tensor coords, FieldJet field, Tensor source, Tensor? squaredSlowness = null)
    {
        ArgumentNullException.ThrowIfNull(field);
        Require.Shape(source, field.Value.shape, nameof(source));
        using var scope = NewDisposeScope();
        var residual = Operator(coords, field, squaredSlowness) - source;
        var on = source.ne(0).to(residual.dtype);
        var points = coords.numel() / 2;
        return (residual.abs() * (on * (points / 1000.0) + (1 - on))).sum().MoveToOuterDisposeScope();
    }

    /// <summary>The squared slowness that an extra channel ψ of the network stands for: 1 + ψ, at least 0.001, and 1 outside
    /// <see cref="InverseRegion"/>.</summary>
    /// <param name="coords">(…, 2)</param>
    /// <param name="channel">ψ (…, 1)</param>
    /// <returns>(…, 1)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor SquaredSlowness(Tensor coords, Tensor channel)
    {
        Require.LastAxis(coords, 2, nameof(coords));
        Require.Shape(channel, [.. coords.shape[..^1], 1], nameof(channel));
        using var scope = NewDisposeScope();
        var slowness = channel.clamp_min(-0.999) + 1;
        var outside = (coords.abs() > InverseRegion).any(-1, true);
        return where(outside, ones_like(slowness), slowness).MoveToOuterDisposeScope();
    }

    /// <summary>The data term of the inverse problem: N Σ |Φ − measurement| at the receivers, where the measurement isn't 0.</summary>
    /// <param name="values">Φ (…, 2p)</param>
    /// <param name="measured">Of the same shape, 0 away from receivers.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor DataTerm(Tensor values, Tensor measured)
    {
        Require.Shape(measured, values.shape, nameof(measured));
        using var scope = NewDisposeScope();
        var points = values.numel() / Math.Max(1, values.shape[^1]);
        return ((values - measured).abs() * measured.ne(0).to(values.dtype)).sum().mul(points).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same equation by second-order finite differences, with Φ = 0 on the edges of [−1, 1]²: for direct solutions with any squared
    /// slowness.
    /// </summary>
    /// <param name="squaredSlowness">m at the n×n inner nodes −1 + 2i/(n + 1), i = 1 … n, of both axes (n, n).</param>
    /// <returns><see cref="Operator"/> on values at these nodes, complex128; a solution's error falls as (n + 1)⁻².</returns>
    /// <exception cref="ArgumentException">m isn't square.</exception>
    public FivePointSystem FiniteDifferences(Tensor squaredSlowness)
    {
        ArgumentNullException.ThrowIfNull(squaredSlowness);
        if (squaredSlowness.dim() != 2 || squaredSlowness.numel() == 0 || squaredSlowness.shape[0] != squaredSlowness.shape[1])
            throw new ArgumentException($"Expected (n, n), got ({Require.Text(squaredSlowness)})", nameof(squaredSlowness));
        using var scope = NewDisposeScope();
        var n = squaredSlowness.shape[0];
        var h = 2.0 / (n + 1);
        // Nodes and, half a step before and behind them, faces.
        var nodes = E(linspace(-1 + h, 1 - h, n, ScalarType.Float64));
        var faces = E(linspace(-1 + h / 2, 1 - h / 2, n + 1, ScalarType.Float64));
        var (before, behind) = (faces.narrow(0, 0, n), faces.narrow(0, 1, n));
        var (row, column) = (nodes.unsqueeze(1), nodes.unsqueeze(0));
        var above = column / before.unsqueeze(1) / (h * h);
        var below = column / behind.unsqueeze(1) / (h * h);
        var left = row / before.unsqueeze(0) / (h * h);
        var right = row / behind.unsqueeze(0) / (h * h);
        var centre = row * column * squaredSlowness.to(ScalarType.Float64) * (Wavenumber * Wavenumber) - above - below - left - right;
        return new FivePointSystem(centre.MoveToOuterDisposeScope(), above.MoveToOuterDisposeScope(), below.MoveToOuterDisposeScope(),
            left.MoveToOuterDisposeScope(), right.MoveToOuterDisposeScope());

        Tensor E(Tensor x)
        {
            var (e, _) = Stretch(x);
            return complex(e.Re, e.Im);
        }
    }

    // e = 1 − i a₀ (depth/L)² and its derivative along its own coordinate.
    private (Complex E, Complex Derivative) Stretch(Tensor x)
    {
        var inner = 1 - LayerThickness;
        // Signed depth: positive beyond the one edge's layer, negative beyond the other's.
        var depth = (x - inner).clamp_min(0) + (x + inner).clamp_max(0);
        var strength = Absorption / (LayerThickness * LayerThickness);
        return (new Complex(ones_like(x), depth.square() * -strength), new Complex(zeros_like(x), depth * (-2 * strength)));
    }

    private static Complex Pair(Tensor channels)
    {
        var pairs = channels.reshape([.. channels.shape[..^1], channels.shape[^1] / 2, 2]);
        return new Complex(pairs.select(-1, 0), pairs.select(-1, 1));
    }

    // Real pairs, because derivatives of the network are real channels and stay so in the loss.
    private readonly record struct Complex(Tensor Re, Tensor Im)
    {
        public static Complex operator +(Complex a, Complex b) => new(a.Re + b.Re, a.Im + b.Im);

        public static Complex operator -(Complex a, Complex b) => new(a.Re - b.Re, a.Im - b.Im);

        public static Complex operator *(Complex a, Complex b) => new(a.Re * b.Re - a.Im * b.Im, a.Re * b.Im + a.Im * b.Re);

        public static Complex operator *(Complex a, double b) => new(a.Re * b, a.Im * b);

        public static Complex operator *(Complex a, Tensor b) => new(a.Re * b, a.Im * b);

        public static Complex operator /(Complex a, Complex b)
        {
            var norm = b.Re.square() + b.Im.square();
            var product = a * new Complex(b.Re, -b.Im);
            return new(product.Re / norm, product.Im / norm);
        }

        public Tensor Channels() => stack([Re, Im], -1).flatten(-2);
    }
}
