using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The Fourier integral operator K of the paper (equations 3–5): transform, multiply the lowest modes by learned matrices, transform back.
/// <code>y_o(x) = b_o + Re Σ_k c_k e^{2πi k·x} Σ_c X_c(k) W_{k,c,o},   x_j = index/size,</code>
/// where X is the discrete Fourier transform divided by the number of points, k runs over the kept modes (−⌊m/2⌋ … ⌈m/2⌉−1 on every axis
/// but the last, 0 … ⌊m/2⌋ on the last), and c_k is 1 for k_N = 0 and for the Nyquist frequency and 2 otherwise. Complex data have all
/// signs
/// of frequencies on the last axis too. (batch, in, d1, …, dN) → (batch, out, d1, …, dN).
/// </summary>
public sealed class SpectralConv : Module<Tensor, Tensor>
{
    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;
    [ComponentName(Name = "weight")]
    private readonly SpectralWeight _weight;

    private readonly SpectralPlanCache _plans = new();
    private readonly long[] _maxModes;
    private readonly long _inChannels;
    private readonly long _outChannels;
    private readonly bool _separable;
    private readonly bool _complexData;
    private readonly bool _hermitian;
    private readonly double[]? _scaling;
    private readonly SpectralPrecision _precision;
    private long[] _nModes;
    private long[] _kept;

    /// <summary>A spectral convolution with fresh weights: E|W|² = 2/(in + out), bias normal with that variance.</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="nModes">Modes kept along each axis, counting both signs (<see cref="FnoConfig.NModes"/>).</param>
    /// <param name="bias">Add a bias to each output channel.</param>
    /// <param name="separable">Weights act on each channel by itself: W_{k,c}.</param>
    /// <param name="complexData">Input and output are complex.</param>
    /// <param name="initStd">Standard deviation of the weights at first; null: √(2/(in + out)).</param>
    /// <param name="maxNModes">Modes that have weights (<see cref="FnoConfig.MaxNModes"/>); null: as <paramref name="nModes"/>.</param>
    /// <param name="resolutionScaling">Factor from the input's grid to the output's, one an axis; null: same grid.</param>
    /// <param name="precision">Precision of spectrum and product.</param>
    /// <param name="enforceHermitianSymmetry">As <see cref="FnoConfig.EnforceHermitianSymmetry"/>.</param>
    /// <param name="factorization">As <see cref="FnoConfig.Factorization"/>.</param>
    /// <param name="rank">As <see cref="FnoConfig.Rank"/>.</param>
    /// <param name="fixedRankModes">As <see cref="FnoConfig.FixedRankModes"/>.</param>
    /// <exception cref="ArgumentException">Channels or modes that aren't positive, more modes than weights, separable weights between
    /// different numbers of channels, an unknown factorisation.</exception>
    public SpectralConv(
        long inChannels, long outChannels, IReadOnlyList<long> nModes, bool bias = true, bool separable = false, bool complexData = false,
        double? initStd = null, IReadOnlyList<long>? maxNModes = null, IReadOnlyList<double>? resolutionScaling = null,
        SpectralPrecision precision = SpectralPrecision.Full, bool enforceHermitianSymmetry = true,
        string? factorization = null, double rank = 1, bool fixedRankModes = false) : base(nameof(SpectralConv))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        if (separable && inChannels != outChannels)
            throw new ArgumentException(
                $"A separable convolution has as many channels in as out, not {inChannels} and {outChannels}", nameof(outChannels));
        if (resolutionScaling is not null && resolutionScaling.Count != nModes.Count)
            throw new ArgumentException(
                $"Expected a factor for each of {nModes.Count} axes, got {resolutionScaling.Count}", nameof(resolutionScaling));
        (_inChannels, _outChannels, _separable, _complexData) = (inChannels, outChannels, separable, complexData);
        (_precision, _hermitian, _scaling) = (precision, enforceHermitianSymmetry, resolutionScaling?.ToArray());

        CheckModes(nModes, nModes.Count, nameof(nModes));
        (_nModes, _kept) = ([.. nModes], Halved(nModes));
        if (maxNModes is not null) CheckModes(maxNModes, nModes.Count, nameof(maxNModes));
        _maxModes = maxNModes?.ToArray() ?? _kept; // unlike NModes, the last one is taken as it is
        CheckRoom(_kept, nameof(nModes));

        var std = initStd ?? Math.Sqrt(2.0 / (inChannels + outChannels));
        if (bias) _bias = Parameter(randn([outChannels, .. Enumerable.Repeat(1L, nModes.Count)]) * std);
        if (!(rank > 0)) throw new ArgumentException($"Expected a positive rank, got {rank}", nameof(rank));
        var channels = separable ? 1 : 2;
        long[] shape = separable ? [inChannels, .. _maxModes] : [inChannels, outChannels, .. _maxModes];
        _weight = factorization?.ToLowerInvariant() switch
        {
            null or "dense" => new DenseSpectralWeight(shape, channels, std),
            "tucker" => new TuckerSpectralWeight(shape, channels, rank, fixedRankModes, std),
            "cp" => new CpSpectralWeight(shape, channels, rank, std),
            "tt" => new TtSpectralWeight(shape, channels, rank, std),
            _ => throw new ArgumentException($"Expected one of null, tucker, cp, tt, got '{factorization}'", nameof(factorization)),
        };
        RegisterComponents();
    }

    /// <summary>Modes kept along each axis, counting both signs on the last axis too. Fewer than there are weights for: the weights around
    /// frequency 0 are used (incremental training).</summary>
    /// <exception cref="ArgumentException">Not positive, or more than there are weights for.</exception>
    public IReadOnlyList<long> NModes
    {
        get => _nModes;
        set
        {
            CheckModes(value, _maxModes.Length, nameof(value));
            var kept = Halved(value);
            CheckRoom(kept, nameof(value));
            (_nModes, _kept) = ([.. value], kept);
        }
    }

    /// <summary>Which of the ways to transform is used.</summary>
    public SpectralTransform Transform { get; set; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Forward(x, null);

    /// <summary>The layer's output on a grid of another size.</summary>
    /// <param name="x">(batch, in, d1, …, dN).</param>
    /// <param name="outputShape">Sizes of the output's grid; null: the input's, scaled by the layer's own factors if it has any.</param>
    /// <exception cref="ArgumentException">Wrong number of axes or channels, or sizes that aren't positive.</exception>
    public Tensor Forward(Tensor x, long[]? outputShape)
    {
        Check(x, outputShape);
        using var scope = NewDisposeScope();
        // Fourier transforms have no 16-bit form.
        using var full = Autocast.Disable(x.device);
        x = Autocast.ToFullPrecision(x);
        var plan = _plans.For(x, OutputSizes(x.shape[2..], outputShape), _kept, _maxModes, _hermitian);
        var how = SpectralCost.Choose(Transform, x, _kept);

        if (_precision == SpectralPrecision.Half) x = RoundToHalf(x);
        var modes = ModeFunctions.Down(plan.Input, x, how);
        if (_precision != SpectralPrecision.Full) modes = RoundToHalf(modes);
        var product = Multiply(modes, plan);
        if (_precision != SpectralPrecision.Full) product = RoundToHalf(product);
        // The bias is a constant function, one mode: adding it there costs nothing.
        if (_bias is not null)
            plan.ZeroMode.Aggregate(product, (t, mode) => t.select(0, mode)).add_(_bias.flatten());
        return ModeFunctions.Up(plan.Output, product, how).MoveToOuterDisposeScope();
    }

    /// <summary>Sizes of the output's grid.</summary>
    internal long[] OutputSizes(long[] sizes, long[]? outputShape) =>
        outputShape ?? (_scaling is null ? sizes : [.. sizes.Select((s, j) => (long)Math.Round(s * _scaling[j]))]);

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);

    // Y_o(k) = Σ_c X_c(k) W_{k,c,o}: one matrix product a mode, all in a batch.
    private Tensor Multiply(Tensor modes, SpectralPlan plan)
    {
        var weight = _weight.Modes();
        for (var j = 0; j < plan.WeightStarts.Length; j++)
            if (modes.shape[j] != weight.shape[j])
                weight = weight.narrow(j, plan.WeightStarts[j], modes.shape[j]);
        return _separable ? modes * weight.unsqueeze(-2) : matmul(modes, weight);
    }

    private static Tensor RoundToHalf(Tensor x) => x.is_complex()
        ? x.view_as_real().to(ScalarType.Float16).to(SpectralPlan.RealType(x.dtype)).view_as_complex()
        : x.to(ScalarType.Float16).to(x.dtype);

    private void Check(Tensor x, long[]? outputShape)
    {
        var axes = _maxModes.Length;
        if (x.dim() != axes + 2)
            throw new ArgumentException($"Expected (batch, channels) and {axes} axes, got [{string.Join(", ", x.shape)}]", nameof(x));
        if (x.shape[1] != _inChannels)
            throw new ArgumentException($"Expected {_inChannels} channels, got [{string.Join(", ", x.shape)}]", nameof(x));
        if (x.is_complex() != _complexData)
            throw new ArgumentException($"Expected {(_complexData ? "complex" : "real")} data, got {x.dtype}", nameof(x));
        if (outputShape is not null && (outputShape.Length != axes || outputShape.Any(s => s < 1)))
            throw new ArgumentException($"Expected {axes} positive sizes, got [{string.Join(", ", outputShape)}]", nameof(outputShape));
    }

    // Real data have their negative frequencies for free, so the last axis keeps the others only.
    private long[] Halved(IReadOnlyList<long> modes) => _complexData ? [.. modes] : [.. modes.SkipLast(1), modes[^1] / 2 + 1];

    private static void CheckModes(IReadOnlyList<long> modes, int axes, string parameter)
    {
        if (modes.Count != axes || axes == 0 || modes.Any(m => m < 1))
            throw new ArgumentException(
                $"Expected a positive number of modes for each of {Math.Max(axes, 1)} axes, got [{string.Join(", ", modes)}]", parameter);
    }

    private void CheckRoom(long[] modes, string parameter)
    {
        if (modes.Zip(_maxModes).Any(m => m.First > m.Second))
            throw new ArgumentException(
                $"There are weights for [{string.Join(", ", _maxModes)}] modes only, not [{string.Join(", ", modes)}]", parameter);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _plans.Dispose();
        base.Dispose(disposing);
    }
}
