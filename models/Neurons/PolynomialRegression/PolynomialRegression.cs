using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A polynomial as a module: columns are standardised or turned into principal components, made into monomials, and these are mapped
/// linearly, (…, in) → (…, out). <see cref="Fit"/> finds the coefficients in closed form; a trainer can, too. Float64 by default, as
/// monomials of high degrees differ by orders of magnitude. State names <c>coefficients</c> (1 + monomials, out), the intercept first, and
/// the buffers <c>exponents</c>, <c>mean</c>, <c>std</c>, <c>pca.mean</c>, <c>pca.components</c>, <c>pca.scale</c>.
/// </summary>
/// <remarks>Source: Cheng, Khomtchouk, Matloff, Mohanty 2018.</remarks>
[Paper("polynomial-regression", "Polynomial Regression As an Alternative to Neural Nets", "1806.06850", 2018)]
[Model("polynomial-regression")]
public sealed class PolynomialRegression : Module<Tensor, Tensor>, IConfigured
{
    private const double Constant = 1e-12;

    [ComponentName(Name = "coefficients")]
    private readonly Parameter _coefficients;
    [ComponentName(Name = "pca")]
    private readonly Components? _pca;

    /// <summary>A polynomial on columns as they are, with coefficients like a linear layer's initial ones.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the coefficients; null: torch's default. A fit doesn't depend on them.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public PolynomialRegression(PolynomialRegressionConfig config, Generator? generator = null) : base(nameof(PolynomialRegression))
    {
        ArgumentNullException.ThrowIfNull(config);
        Features = config.Features();
        Config = config;
        var bound = 1 / Math.Sqrt(Features.Count);
        _coefficients = new Parameter(empty(Features.Count + 1, config.OutFeatures, ScalarType.Float64).DetachFromDisposeScope());
        using (no_grad()) _coefficients.uniform_(-bound, bound, generator);
        if (config.Components is { } components) _pca = new Components(components, config.InFeatures);
        RegisterComponents();
        register_buffer("exponents", Features.Exponents().DetachFromDisposeScope());
        register_buffer("mean", zeros(config.InFeatures, ScalarType.Float64).DetachFromDisposeScope());
        register_buffer("std", ones(config.InFeatures, ScalarType.Float64).DetachFromDisposeScope());
    }

    /// <summary>What the polynomial is made of.</summary>
    public PolynomialRegressionConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The monomials.</summary>
    public PolynomialFeatures Features { get; }

    /// <summary>The intercept, then a row a monomial, (1 + monomials, out).</summary>
    public Tensor Coefficients => _coefficients;

    /// <summary>Whether there are more monomials than the examples it was fitted to: the fit then goes through all of them unless a ridge
    /// prevents it.</summary>
    public bool IsUnderdetermined { get; private set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of columns.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return functional.linear(Monomials(x, training ? null : Config.Clamp), _coefficients[1..].t(),
            _coefficients[0]).MoveToOuterDisposeScope();
    }

    /// <summary>The monomials' values for some examples, standardised or of components.</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>(…, monomials).</returns>
    /// <exception cref="ArgumentException">The last axis isn't the number of columns.</exception>
    public Tensor Transform(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return Monomials(x, null).MoveToOuterDisposeScope();
    }

    /// <summary>Fits everything in closed form: means, standard deviations and components, then the coefficients at the minimum of
    /// ‖F β + b − y‖² + λ‖β‖². A column that is the same in all examples takes no part.</summary>
    /// <param name="x">(n, in)</param>
    /// <param name="y">(n, out), or (n) of a single output.</param>
    /// <param name="ridge">λ ≥ 0; 0: of all minima the one of least norm, by a rank-revealing decomposition.</param>
    /// <param name="standardize">Whether columns, but for dummies, are standardised.</param>
    /// <returns>The polynomial.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are no examples, a number isn't finite, or the ridge is
    /// negative.</exception>
    public PolynomialRegression Fit(Tensor x, Tensor y, double ridge = 0, bool standardize = true)
    {
        CheckRidge(ridge);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (wideX, wideY) = Examples(x, y);
        FitColumns(wideX, standardize);
        var features = Monomials(wideX, null).to(ScalarType.Float64);
        IsUnderdetermined = features.shape[1] > features.shape[0];
        _coefficients.copy_(RidgeRegression.Solve(features, wideY, ridge));
        return this;
    }

    /// <summary>Fits means, standard deviations and components alone.</summary>
    internal void FitColumns(Tensor x, bool standardize)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        Tensor mean = x.mean([0]), std = x.std(0, unbiased: false);
        var constant = std <= Constant * (1 + mean.abs());
        var kept = standardize ? zeros_like(constant) : constant.logical_not();
        if (Config.IsDummy is { } dummies) kept = kept | (tensor(dummies.ToArray(), device: x.device) & constant.logical_not());
        // A constant column less its mean is 0, and so are its monomials.
        get_buffer("mean")!.copy_(mean.masked_fill(kept, 0));
        get_buffer("std")!.copy_(std.masked_fill(kept | constant, 1));
        _pca?.Fit(Standardised(x));
    }

    /// <summary>Sets the coefficients.</summary>
    internal void Set(Tensor coefficients, long examples)
    {
        using var off = no_grad();
        _coefficients.copy_(coefficients);
        IsUnderdetermined = Features.Count > examples;
    }

    internal static void CheckRidge(double ridge)
    {
        if (ridge is not (>= 0 and < double.PositiveInfinity)) throw new ArgumentOutOfRangeException(nameof(ridge), ridge, "must be ≥ 0");
    }

    internal static Tensor CheckExamples(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 2 || x.numel() == 0)
            throw new ArgumentException($"Expected (n ≥ 1, columns ≥ 1), got ({string.Join(", ", x.shape)})", nameof(x));
        return x.isfinite().all().item<bool>()
            ? x.to(ScalarType.Float64) : throw new ArgumentException("Expected finite numbers", nameof(x));
    }

    private (Tensor X, Tensor Y) Examples(Tensor x, Tensor y)
    {
        var wide = CheckExamples(x);
        Check(x);
        ArgumentNullException.ThrowIfNull(y);
        if (y.dim() == 1) y = y.unsqueeze(1);
        Kernels.Expect.Shape(y, nameof(y), x.shape[0], Config.OutFeatures);
        return y.isfinite().all().item<bool>()
            ? (wide, y.to(ScalarType.Float64)) : throw new ArgumentException("Expected finite numbers", nameof(y));
    }

    private Tensor Monomials(Tensor x, double? clamp)
    {
        var z = Standardised(x.to(_coefficients.dtype));
        if (_pca is not null) z = _pca.call(z);
        if (clamp is { } most) z = z.clamp(-most, most);
        return Features.Transform(z);
    }

    private Tensor Standardised(Tensor x) => (x - get_buffer("mean")!) / get_buffer("std")!;

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Config.InFeatures)
            throw new ArgumentException($"Expected (…, {Config.InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }

    /// <summary>How many components have a share of the variance.</summary>
    internal static int ComponentsFor(Tensor x, bool standardize, double share)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var centred = x - x.mean([0]);
        var std = x.std(0, unbiased: false);
        if (standardize) centred = centred / std.masked_fill(std <= Constant * (1 + x.mean([0]).abs()), 1);
        var variance = linalg.svdvals(centred).square();
        var explained = (variance.cumsum(0) / variance.sum()).cpu().data<double>().ToArray();
        var enough = Array.FindIndex(explained, e => e >= share - Constant);
        return enough < 0 ? explained.Length : enough + 1;
    }

    // Principal components, all divided by the first one's standard deviation.
    private sealed class Components : Module<Tensor, Tensor>
    {
        public Components(long count, long inFeatures) : base(nameof(Components))
        {
            register_buffer("mean", zeros(inFeatures, ScalarType.Float64).DetachFromDisposeScope());
            register_buffer("components", eye(count, inFeatures, ScalarType.Float64).DetachFromDisposeScope());
            register_buffer("scale", ones(1, ScalarType.Float64).DetachFromDisposeScope());
        }

        public void Fit(Tensor x)
        {
            var (mean, components) = (x.mean([0]), get_buffer("components")!);
            var wide = (x - mean).to(ScalarType.Float64);
            // (d, d) holds all that the components need; its eigenvectors come with the smallest eigenvalue first.
            var (values, vectors) = linalg.eigh(wide.t().matmul(wide) / wide.shape[0]);
            var largest = vectors.flip(1).narrow(1, 0, components.shape[0]).t();
            // An eigenvector's sign is arbitrary: its largest entry is positive here.
            var peak = largest.gather(1, largest.abs().argmax(1, keepdim: true));
            components.copy_(largest * peak.sign());
            get_buffer("mean")!.copy_(mean);
            var first = values[^1].clamp_min(0).sqrt();
            get_buffer("scale")!.copy_(first.masked_fill(first <= Constant, 1));
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return ((x - get_buffer("mean")!).matmul(get_buffer("components")!.t()) / get_buffer("scale")!).MoveToOuterDisposeScope();
        }
    }
}
