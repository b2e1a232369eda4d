using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Kernels;
using TorchZoo.Numerics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A layer of learned functions in pykan's layout: y_j = Σ_i φ_{ij}(x_i), φ(x) = mask · (s_b b(x) + s_p Σ_m c_m B_m(x)). (…, in) → (…, out).
/// </summary>
/// <remarks>Parameters <c>coef</c> c (in, out, G + k), <c>scale_base</c> s_b, <c>scale_sp</c> s_p (in, out); buffers <c>grid</c>
/// (in, G + 2k + 1), <c>mask</c> (in, out). Source: Liu et al. 2024, equations 2.10 to 2.12.</remarks>
public sealed class KanLayer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "coef")]
    private readonly Parameter _coefficients;
    [ComponentName(Name = "scale_base")]
    private readonly Parameter _scaleBase;
    [ComponentName(Name = "scale_sp")]
    private readonly Parameter _scaleSpline;

    /// <summary>A layer with fresh weights: s_b = (μ + σ U(−1, 1))/√in, s_p = 1/√in, splines fitted to small noise.</summary>
    /// <param name="inFeatures">in ≥ 1</param>
    /// <param name="outFeatures">out ≥ 1</param>
    /// <param name="grid">G ≥ 1</param>
    /// <param name="order">k ≥ 0</param>
    /// <param name="noiseScale">The noise is uniform in ±noiseScale/(2G).</param>
    /// <param name="scaleBaseMu">μ</param>
    /// <param name="scaleBaseSigma">σ</param>
    /// <param name="scaleSpline">s_p · √in</param>
    /// <param name="baseActivation">b; null: SiLU.</param>
    /// <param name="gridRange">The first grid's ends; null: −1 and 1.</param>
    /// <param name="generator">Where the random numbers come from; null: torch's own.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public KanLayer(long inFeatures, long outFeatures, int grid = 5, int order = 3, double noiseScale = 0.5, double scaleBaseMu = 0,
        double scaleBaseSigma = 1, double scaleSpline = 1, Func<Tensor, Tensor>? baseActivation = null, (double Low, double High)? gridRange = null,
        Generator? generator = null) : base(nameof(KanLayer))
    {
        KanConfig.CheckLayer(inFeatures, outFeatures, grid, order, 0);
        var (low, high) = gridRange ?? (-1, 1);
        (InFeatures, OutFeatures, SplineOrder) = (inFeatures, outFeatures, order);
        BaseActivation = baseActivation ?? (x => functional.silu(x));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var knots = SplineGrid.Uniform(inFeatures, grid, order, low, high);
        _coefficients = new Parameter(Noise(knots, order, outFeatures, noiseScale, generator).DetachFromDisposeScope());
        var root = Math.Sqrt(inFeatures);
        _scaleBase = new Parameter((((rand([inFeatures, outFeatures], generator: generator) * 2 - 1) * scaleBaseSigma + scaleBaseMu) / root)
            .DetachFromDisposeScope());
        _scaleSpline = new Parameter((ones(inFeatures, outFeatures) * (scaleSpline / root)).DetachFromDisposeScope());
        register_buffer("grid", knots.DetachFromDisposeScope());
        register_buffer("mask", ones(inFeatures, outFeatures).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <summary>Features of the input.</summary>
    public long InFeatures { get; }

    /// <summary>Features of the output.</summary>
    public long OutFeatures { get; }

    /// <summary>k</summary>
    public int SplineOrder { get; }

    /// <summary>b</summary>
    public Func<Tensor, Tensor> BaseActivation { get; }

    /// <summary>G</summary>
    public long GridSize => SplineGrid.Intervals(Grid, SplineOrder);

    /// <summary>The knots, (in, G + 2k + 1).</summary>
    public Tensor Grid => get_buffer("grid")!;

    /// <summary>1 for the edges that are on, 0 for the others, (in, out).</summary>
    public Tensor Mask => get_buffer("mask")!;

    /// <summary>c, (in, out, G + k).</summary>
    public Parameter Coefficients => _coefficients;

    /// <summary>s_b, (in, out).</summary>
    public Parameter ScaleBase => _scaleBase;

    /// <summary>s_p, (in, out).</summary>
    public Parameter ScaleSpline => _scaleSpline;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last dimension isn't in.</exception>
    public override Tensor forward(Tensor x)
    {
        KanConfig.CheckInput(x, InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        var linear = BaseActivation(x).matmul(_scaleBase * Mask);
        var c = _coefficients * (_scaleSpline * Mask).unsqueeze(-1);
        return (linear + SplineSum.Apply(x.to(c.dtype), Grid, c.transpose(1, 2), SplineOrder).to(linear.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>What each edge gives: φ_{ij}(x_i).</summary>
    /// <param name="x">(N, in)</param>
    /// <returns>(N, out, in)</returns>
    /// <exception cref="ArgumentException">The shape isn't as described.</exception>
    public Tensor EdgeActivations(Tensor x)
    {
        KanConfig.CheckInput(x, InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        var curves = BSpline.Curves(x, Grid, _coefficients, SplineOrder);
        return ((BaseActivation(x).unsqueeze(-1) * _scaleBase + curves * _scaleSpline) * Mask).transpose(-2, -1).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the grid to where samples are, and the splines along: their curves stay as near to the old ones as the new grid
    /// allows, at the samples. An optimizer's moments don't fit the coefficients any more then.</summary>
    /// <param name="x">(…, in): G + k samples at least.</param>
    /// <param name="gridEps">Share of equidistant points, 0 to 1.</param>
    /// <param name="margin">How far the grid goes beyond the samples.</param>
    /// <exception cref="ArgumentException">Too few samples, or numbers that aren't finite.</exception>
    public void UpdateGrid(Tensor x, double gridEps = 0.02, double margin = 0)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var samples = KanConfig.Samples(x, InFeatures, GridSize + SplineOrder, Grid.dtype, nameof(x));
        var grid = SplineGrid.FromSamples(samples, GridSize, SplineOrder, gridEps, margin);
        var curves = BSpline.Curves(samples, Grid, _coefficients, SplineOrder);
        _coefficients.copy_(BSpline.FitCoefficients(samples, curves, grid, SplineOrder));
        Grid.copy_(grid);
    }

    /// <summary>Takes another layer's curves onto a grid of another number of intervals, which spans the same.</summary>
    internal void Refine(KanLayer from, Tensor x)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var samples = KanConfig.Samples(x, InFeatures, GridSize + SplineOrder, Grid.dtype, nameof(x));
        Grid.copy_(SplineGrid.Refine(from.Grid, SplineOrder, GridSize));
        _coefficients.copy_(BSpline.FitCoefficients(samples, BSpline.Curves(samples, from.Grid, from._coefficients, SplineOrder), Grid, SplineOrder));
    }

    /// <summary>Coefficients (in, out, G + k) of curves through noise at the inner knots.</summary>
    internal static Tensor Noise(Tensor grid, int order, long outputs, double scale, Generator? generator)
    {
        using var scope = NewDisposeScope();
        var inner = SplineGrid.Inner(grid, order).t();
        var intervals = inner.shape[0] - 1;
        var noise = (rand([inner.shape[0], inner.shape[1], outputs], generator: generator) - 0.5) * (scale / intervals);
        return BSpline.FitCoefficients(inner, noise.to(grid.dtype), grid, order).MoveToOuterDisposeScope();
    }
}
