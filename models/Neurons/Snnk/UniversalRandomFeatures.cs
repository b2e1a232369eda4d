using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Features for any f: Ψ(w, b) · Φ(x) has f(w·x + b) as its mean, with
/// Φ_j(x) = m^−½ exp(α_j g_j·x − α_j²‖x‖²/2), Ψ_j(w, b) = m^−½ r_j exp(2πiξ_j b + β_j g_j·w − β_j²‖w‖²/2), α_j β_j = 2πiξ_j. Complex
/// numbers are kept as their real and imaginary parts: Φ is [Re Φ, Im Φ] and Ψ is [Re Ψ, −Im Ψ], whose product is the real part that
/// counts. Buffers <c>projection</c> (m, in) and <c>xi</c> (m).
/// </summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 3.1 and theorem 1; M is option A of "Chefs' random tables" (Likhosherstov
/// et al. 2022). The variance grows like e^(‖x‖² + ‖w‖²): bring inputs and weights to a length with <c>norm</c>.</remarks>
public class UniversalRandomFeatures : RandomFeatures
{
    private readonly double _logScale;

    /// <summary>A map with fresh projection and frequencies.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="features">m, ≥ 1; there are two numbers each.</param>
    /// <param name="spectrum">f.</param>
    /// <param name="split">α and β.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="m">M ≥ 0: features with large projections are damped, by exp(−M‖g‖²), and the projections stretched by √(1 + 4M) in
    /// return.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size isn't positive, M is negative, or there is no such split.</exception>
    public UniversalRandomFeatures(long inFeatures, long features, UrfSpectrum spectrum, UrfSplit split = UrfSplit.Symmetric,
        bool orthogonal = false, double m = 0, double? norm = null, Generator? generator = null)
        : base(nameof(UniversalRandomFeatures), inFeatures, features, 2 * features, orthogonal, norm, generator)
    {
        ArgumentNullException.ThrowIfNull(spectrum);
        if (!Enum.IsDefined(split)) throw new ArgumentOutOfRangeException(nameof(split), split, "is no split");
        if (m is not (>= 0 and < double.PositiveInfinity)) throw new ArgumentOutOfRangeException(nameof(m), m, "must be ≥ 0");
        (Split, M) = (split, m);
        _logScale = inFeatures / 4.0 * Math.Log(1 + 4 * m) - Math.Log(features) / 2;
        using var scope = NewDisposeScope();
        var (xi, real, imaginary) = spectrum.Draw(features, generator);
        register_buffer("xi", xi.to(Projection.dtype).DetachFromDisposeScope());
        register_buffer("ratio", stack([real, imaginary]).to(Projection.dtype).DetachFromDisposeScope());
    }

    /// <summary>α and β.</summary>
    public UrfSplit Split { get; }

    /// <summary>M.</summary>
    public double M { get; }

    /// <summary>ξ, (m).</summary>
    public Tensor Xi => get_buffer("xi")!;

    /// <summary>Real and imaginary parts of r, the spectrum's weights at ξ, (2, m).</summary>
    public Tensor Ratio => get_buffer("ratio")!;

    /// <summary>The imaginary part of Ψ(w, b) · Φ(x), whose mean is 0.</summary>
    /// <param name="weight">(units, in)</param>
    /// <param name="bias">(units); null: none.</param>
    /// <param name="x">(…, in)</param>
    /// <returns>(…, units).</returns>
    /// <exception cref="ArgumentException">An axis doesn't fit.</exception>
    public Tensor Imaginary(Tensor weight, Tensor? bias, Tensor x)
    {
        using var scope = NewDisposeScope();
        var (features, weights) = (Features(x).chunk(2, -1), WeightFeatures(weight, bias).chunk(2, -1));
        return (features[1].matmul(weights[0].t()) - features[0].matmul(weights[1].t())).MoveToOuterDisposeScope();
    }

    private protected override bool HasBias => true;

    private protected override Tensor Map(Tensor x)
    {
        var (size, phase) = Exponent(x, input: true);
        return Parts(size, phase, 1);
    }

    private protected override Tensor MapWeights(Tensor weight, Tensor? bias)
    {
        var (size, phase) = Exponent(weight, input: false);
        var ratio = Ratio;
        phase = phase + ratio[1].atan2(ratio[0]);
        if (bias is not null) phase = phase + bias.unsqueeze(-1) * (2 * Math.PI * Xi);
        return Parts(size + ratio.square().sum([0L]).log() / 2, phase, -1);
    }

    // Real and imaginary part of a g·x − a²‖x‖²/2 for a = α or β, and all that is added to it whatever x is.
    private (Tensor Size, Tensor Phase) Exponent(Tensor x, bool input)
    {
        var projected = x.matmul(Projection.t()) * Math.Sqrt(1 + 4 * M);
        var half = x.square().sum(-1, keepdim: true) / 2;
        var damping = _logScale - M * Projection.square().sum(1);
        var circle = 2 * Math.PI * Xi;
        if (Split == UrfSplit.Input)
            return input ? (circle.square() * half + damping, circle * projected) : (projected - half + damping, zeros_like(projected));
        // √(ic) = √(|c|/2) (1 ± i), whose square has no real part.
        var root = (circle.abs() / 2).sqrt();
        return (root * projected + damping, root * circle.sign() * projected - circle * half);
    }

    private static Tensor Parts(Tensor size, Tensor phase, int sign)
    {
        var magnitude = size.exp();
        return cat([magnitude * phase.cos(), sign * magnitude * phase.sin()], -1);
    }
}
