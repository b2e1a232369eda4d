using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Kernels;
using TorchZoo.Numerics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A layer of learned functions in place of a linear map: y_j = Σ_i w_{ji} b(x_i) + s_{ji} Σ_m c_{jim} B_m(x_i), with b = SiLU and B-splines B_m of
/// order k on G intervals. (…, in) → (…, out).
/// </summary>
/// <remarks>Parameters as in efficient-kan: <c>base_weight</c> w and <c>spline_scaler</c> s (out, in), <c>spline_weight</c> c (out, in, G + k), buffer
/// <c>grid</c> (in, G + 2k + 1). Beyond the grid the splines fall to zero within k intervals, and b alone is left: update the grid in the first
/// steps, or normalise what comes in. Source: Liu et al. 2024, section 2.2.</remarks>
public sealed class KanLinear : Module<Tensor, Tensor>
{
    [ComponentName(Name = "base_weight")]
    private readonly Parameter _baseWeight;
    [ComponentName(Name = "spline_weight")]
    private readonly Parameter _splineWeight;
    [ComponentName(Name = "spline_scaler")]
    private readonly Parameter? _splineScaler;
    private readonly Func<Tensor, Tensor> _activation;
    private readonly double _gridEps;

    /// <summary>A layer with fresh weights: w and s uniform in ±1/√in times their scales, splines fitted to small noise.</summary>
    /// <param name="inFeatures">in ≥ 1</param>
    /// <param name="outFeatures">out ≥ 1</param>
    /// <param name="gridSize">G ≥ 1</param>
    /// <param name="splineOrder">k ≥ 0</param>
    /// <param name="scaleNoise">The noise is uniform in ±scaleNoise/(2G).</param>
    /// <param name="scaleBase">w is uniform in ±√(6/((1 + 5 scaleBase²) in)), the reference's rule; ±1/√in for 1.</param>
    /// <param name="scaleSpline">The same for s; without s, a factor of c.</param>
    /// <param name="standaloneScaleSpline">Whether there is an s.</param>
    /// <param name="baseActivation">b; null: SiLU.</param>
    /// <param name="gridEps">Share of equidistant points in updated grids, 0 to 1.</param>
    /// <param name="gridRange">The first grid's ends; null: −1 and 1.</param>
    /// <param name="generator">Where the random numbers come from; null: torch's own.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public KanLinear(long inFeatures, long outFeatures, int gridSize = 5, int splineOrder = 3, double scaleNoise = 0.1, double scaleBase = 1,
        double scaleSpline = 1, bool standaloneScaleSpline = true, Func<Tensor, Tensor>? baseActivation = null, double gridEps = 0.02,
        (double Low, double High)? gridRange = null, Generator? generator = null) : base(nameof(KanLinear))
    {
        KanConfig.CheckLayer(inFeatures, outFeatures, gridSize, splineOrder, gridEps);
        var (low, high) = gridRange ?? (-1, 1);
        (InFeatures, OutFeatures, SplineOrder, _gridEps) = (inFeatures, outFeatures, splineOrder, gridEps);
        _activation = baseActivation ?? (x => functional.silu(x));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var grid = SplineGrid.Uniform(inFeatures, gridSize, splineOrder, low, high);
        _baseWeight = Kaiming(scaleBase);
        var weight = KanLayer.Noise(grid, splineOrder, outFeatures, scaleNoise, generator).transpose(0, 1).contiguous();
        _splineWeight = new Parameter((standaloneScaleSpline ? weight : weight * scaleSpline).DetachFromDisposeScope());
        if (standaloneScaleSpline) _splineScaler = Kaiming(scaleSpline);
        register_buffer("grid", grid.DetachFromDisposeScope());
        RegisterComponents();

        // Kaiming's uniform rule with slope a = √5 · scale: bound √(6 / ((1 + a²) in)).
        Parameter Kaiming(double scale)
        {
            var bound = Math.Sqrt(6 / ((1 + 5 * scale * scale) * inFeatures));
            return new Parameter(((rand([outFeatures, inFeatures], generator: generator) * 2 - 1) * bound).DetachFromDisposeScope());
        }
    }

    /// <summary>Features of the input.</summary>
    public long InFeatures { get; }

    /// <summary>Features of the output.</summary>
    public long OutFeatures { get; }

    /// <summary>k</summary>
    public int SplineOrder { get; }

    /// <summary>G</summary>
    public long GridSize => SplineGrid.Intervals(Grid, SplineOrder);

    /// <summary>The knots, (in, G + 2k + 1).</summary>
    public Tensor Grid => get_buffer("grid")!;

    /// <summary>w, (out, in).</summary>
    public Parameter BaseWeight => _baseWeight;

    /// <summary>c, (out, in, G + k).</summary>
    public Parameter SplineWeight => _splineWeight;

    /// <summary>s, (out, in); null: 1.</summary>
    public Parameter? SplineScaler => _splineScaler;

    /// <summary>The layer in the other layout.</summary>
    /// <param name="layer">A layer whose mask is the same as its numbers: what the mask switches off becomes zero.</param>
    public static KanLinear From(KanLayer layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var result = new KanLinear(layer.InFeatures, layer.OutFeatures, (int)layer.GridSize, layer.SplineOrder, baseActivation: layer.BaseActivation);
        result.to(layer.Coefficients.dtype).to(layer.Coefficients.device);
        result.Grid.copy_(layer.Grid);
        result._baseWeight.copy_((layer.ScaleBase * layer.Mask).t());
        result._splineWeight.copy_(layer.Coefficients.transpose(0, 1));
        result._splineScaler!.copy_((layer.ScaleSpline * layer.Mask).t());
        return result;
    }

    /// <summary>The layer in pykan's layout.</summary>
    public KanLayer ToLayer()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var layer = new KanLayer(InFeatures, OutFeatures, (int)GridSize, SplineOrder, baseActivation: _activation);
        layer.to(_baseWeight.dtype).to(_baseWeight.device);
        layer.Grid.copy_(Grid);
        layer.ScaleBase.copy_(_baseWeight.t());
        layer.Coefficients.copy_(_splineWeight.transpose(0, 1));
        if (_splineScaler is null) layer.ScaleSpline.fill_(1);
        else layer.ScaleSpline.copy_(_splineScaler.t());
        return layer;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last dimension isn't in.</exception>
    public override Tensor forward(Tensor x)
    {
        KanConfig.CheckInput(x, InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        var linear = functional.linear(_activation(x), _baseWeight);
        var c = _splineScaler is null ? _splineWeight : _splineWeight * _splineScaler.unsqueeze(-1);
        return (linear + SplineSum.Apply(x.to(c.dtype), Grid, c.permute(1, 2, 0), SplineOrder).to(linear.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the grid to where samples are, and the splines along: their curves stay as near to the old ones as the new grid
    /// allows, at the samples. An optimizer's moments don't fit the coefficients any more then.</summary>
    /// <param name="x">(…, in): G + k samples at least.</param>
    /// <param name="margin">How far the grid goes beyond the samples.</param>
    /// <exception cref="ArgumentException">Too few samples, or numbers that aren't finite.</exception>
    public void UpdateGrid(Tensor x, double margin = 0.01)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var samples = KanConfig.Samples(x, InFeatures, GridSize + SplineOrder, Grid.dtype, nameof(x));
        var grid = SplineGrid.FromSamples(samples, GridSize, SplineOrder, _gridEps, margin);
        // The curves without s: s stays, so it has no part in the fit.
        var curves = BSpline.Curves(samples, Grid, _splineWeight.transpose(0, 1), SplineOrder);
        _splineWeight.copy_(BSpline.FitCoefficients(samples, curves, grid, SplineOrder).transpose(0, 1));
        Grid.copy_(grid);
    }

    /// <summary>A penalty for many and equal curves: the sum of A = mean |c| over the edges, and the entropy of A/ΣA.</summary>
    /// <param name="activation">Factor of the sum.</param>
    /// <param name="entropy">Factor of the entropy.</param>
    public Tensor RegularizationLoss(double activation = 1, double entropy = 1)
    {
        using var scope = NewDisposeScope();
        var size = _splineWeight.abs().mean([-1]);
        var sum = size.sum();
        var share = size / sum;
        return (sum * activation - (share * share.clamp_min(1e-30).log()).sum() * entropy).MoveToOuterDisposeScope();
    }
}
