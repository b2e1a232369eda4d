using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// An activation that is a product with a matrix, as ReLU is: z = T(y) y. Entry (i, j) of the banded matrix T(y) is a piecewise constant
/// function of y_j (<see cref="PiecewiseConstantTable"/>), whose values are trained. ReLU, leaky and parametric ReLU and the identity are
/// special cases. (…, features, …) → the same.
/// </summary>
/// <remarks>
/// State names: <c>table.diag</c> (n, m + 1), <c>table.upper</c> (n − 1, m + 1), whose row r is entry (r, r + 1) and a function of y_{r+1},
/// <c>table.lower</c> (n − 1, m + 1), whose row r is entry (r + 1, r) and a function of y_r; further off the diagonal <c>table.upper2</c>,
/// <c>table.lower2</c> and so on; the buffer <c>breaks</c> (m), or (n, m). With one table a layer the first axis is 1.
/// z jumps at a break point s_j by s_j (t_j − t_{j−1}), and never at 0. Weight decay would draw the tables to 0, which isn't ReLU: leave
/// them out of it. 16-bit inputs are computed in float32. Source: Liu et al. 2021, section 2.
/// </remarks>
[Paper("trainable-matrix-activation", "Neural networks with trainable matrix activation functions", "2109.09948", 2021)]
public class TrainableMatrixActivation : Module<Tensor, Tensor>
{
    [ComponentName(Name = "table")]
    private readonly Table _table;
    private readonly MatrixActivationInit _init;

    /// <summary>An activation with fresh tables.</summary>
    /// <param name="features">n: neurons, or channels.</param>
    /// <param name="breaks">s_1 &lt; … &lt; s_m; null: <see cref="DefaultBreaks"/>.</param>
    /// <param name="bandwidth">How many neighbours of each side an output sees, ≥ 0: 0 is a diagonal matrix, 1 a tridiagonal one.</param>
    /// <param name="init">What it is before training.</param>
    /// <param name="sharing">Whether each neuron has tables of its own.</param>
    /// <param name="featureDim">The neurons' axis: −1 the last; 1 the channels of (batch, channels, height, width).</param>
    /// <param name="breaksPerNeuron">Whether each neuron has break points of its own, for <see cref="FitBreaks"/>.</param>
    /// <exception cref="ArgumentException">Break points that don't increase, or none, or a number out of its range.</exception>
    public TrainableMatrixActivation(long features, IReadOnlyList<double>? breaks = null, int bandwidth = 0,
        MatrixActivationInit init = MatrixActivationInit.ReluLike, MatrixActivationSharing sharing = MatrixActivationSharing.PerNeuron,
        int featureDim = -1, bool breaksPerNeuron = false) : base(nameof(TrainableMatrixActivation))
    {
        breaks ??= DefaultBreaks;
        Check(features, breaks, bandwidth, init, sharing);
        (Features, Bandwidth, FeatureDim, _init) = (features, bandwidth, featureDim, init);
        _table = new Table(features, breaks.Count + 1, bandwidth, sharing);
        using (NewDisposeScope())
        {
            var points = tensor([.. breaks], ScalarType.Float32);
            register_buffer("breaks", (breaksPerNeuron ? points.expand(features, -1).clone() : points).DetachFromDisposeScope());
        }
        RegisterComponents();
        Reset();
    }

    /// <summary>−1, −0.8, …, 1.</summary>
    public static IReadOnlyList<double> DefaultBreaks { get; } = [-1, -0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8, 1];

    /// <summary>n: neurons, or channels.</summary>
    public long Features { get; }

    /// <summary>How many neighbours of each side an output sees.</summary>
    public int Bandwidth { get; }

    /// <summary>The neurons' axis.</summary>
    public int FeatureDim { get; }

    /// <summary>The break points: (m), or (n, m).</summary>
    public Tensor Breaks => get_buffer("breaks")!;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The features' axis or the type doesn't fit.</exception>
    public override Tensor forward(Tensor y) => Ensemble.InFullPrecision(y, wide =>
    {
        var axis = Axis(wide, nameof(y));
        using var scope = NewDisposeScope();
        Tensor? z = null;
        foreach (var (offset, entries) in Entries(wide, axis))
        {
            // Column j is a function of y_j: its part of the result is as long as the diagonal, and goes |offset| rows up or down.
            var part = entries * wide.narrow(axis, Math.Max(0, offset), entries.shape[axis]);
            if (z is null) z = part;
            else z.narrow(axis, Math.Max(0, -offset), part.shape[axis]).add_(part);
        }
        return z!.MoveToOuterDisposeScope();
    });

    /// <summary>The matrix itself, to look at: z = T(y) y.</summary>
    /// <param name="y">(…, n, …)</param>
    /// <returns>(…, n, n), the features' axis moved to the end.</returns>
    /// <exception cref="ArgumentException">The features' axis or the type doesn't fit.</exception>
    public Tensor MatrixAt(Tensor y) => Ensemble.InFullPrecision(y, wide =>
    {
        var axis = Axis(wide, nameof(y));
        using var scope = NewDisposeScope();
        return Entries(wide, axis).Select(e => e.Entries.movedim([axis], [-1]).diag_embed(e.Offset)).Aggregate((a, b) => a + b)
            .MoveToOuterDisposeScope();
    });

    /// <summary>What a neuron by itself does: s α(s), of the diagonal.</summary>
    /// <param name="neuron">Its number.</param>
    /// <param name="s">Any shape.</param>
    /// <returns>As s.</returns>
    /// <exception cref="ArgumentException">There is no such neuron.</exception>
    public Tensor CurveAt(long neuron, Tensor s)
    {
        ArgumentNullException.ThrowIfNull(s);
        if (neuron < 0 || neuron >= Features)
            throw new ArgumentOutOfRangeException(nameof(neuron), neuron, $"Expected 0 to {Features - 1}");
        return Ensemble.InFullPrecision(s, wide =>
        {
            using var scope = NewDisposeScope();
            var (values, breaks) = (Autocast.ToFullPrecision(_table.Values(0)), Autocast.ToFullPrecision(Breaks));
            var row = values.narrow(0, values.shape[0] == 1 ? 0 : neuron, 1);
            var points = breaks.dim() == 1 ? breaks : breaks[neuron];
            var flat = wide.reshape(-1, 1);
            return (flat * PiecewiseConstantTable.Lookup(row, points, flat)).reshape(s.shape).MoveToOuterDisposeScope();
        });
    }

    /// <summary>Puts the break points to quantiles of given pre-activations, of each neuron or of all together, and the tables back to what
    /// they are before training. The point next to 0 becomes 0, so that ReLU stays possible.</summary>
    /// <param name="y">(…, n, …): a first batch.</param>
    /// <exception cref="ArgumentException">The features' axis doesn't fit, or there are too few different numbers.</exception>
    public void FitBreaks(Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var data = Autocast.ToFullPrecision(y.detach()).movedim([Axis(y, nameof(y))], [0]).reshape(Features, -1);
        if (Breaks.dim() == 1) data = data.reshape(1, -1);
        var (m, count) = (Breaks.shape[^1], data.shape[1]);
        if (count < m) throw new ArgumentException($"Expected {m} numbers at least, got {count}", nameof(y));
        var places = ((arange(m, ScalarType.Float64) + 0.5) / m * count).to(ScalarType.Int64).to(data.device);
        var points = data.sort(1).Values.index_select(1, places);
        points = points.masked_fill(arange(m, device: data.device).eq(points.abs().argmin(1, keepdim: true)), 0);
        if (m > 1 && !points.diff(1, 1).gt(0).all().item<bool>())
            throw new ArgumentException("Expected numbers whose quantiles differ", nameof(y));
        Breaks.copy_(points.reshape(Breaks.shape));
        Reset();
    }

    internal static void Check(long features, IReadOnlyList<double> breaks, int bandwidth, MatrixActivationInit init,
        MatrixActivationSharing sharing)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        if (breaks.Count == 0 || !breaks.All(double.IsFinite) || breaks.Zip(breaks.Skip(1)).Any(p => (float)p.First >= (float)p.Second))
            throw new ArgumentException($"Expected increasing break points, got [{string.Join(", ", breaks)}]", nameof(breaks));
        if (bandwidth < 0 || bandwidth >= features)
            throw new ArgumentOutOfRangeException(nameof(bandwidth), bandwidth, $"Expected 0 to {features - 1} neighbours");
        if (!Enum.IsDefined(init)) throw new ArgumentOutOfRangeException(nameof(init), init, "is no initialisation");
        if (!Enum.IsDefined(sharing)) throw new ArgumentOutOfRangeException(nameof(sharing), sharing, "is no way to share tables");
    }

    private IEnumerable<(int Offset, Tensor Entries)> Entries(Tensor y, int axis)
    {
        var bins = PiecewiseConstantTable.Bins(Autocast.ToFullPrecision(Breaks), y, axis);
        foreach (var offset in _table.Offsets)
        {
            var columns = bins.narrow(axis, Math.Max(0, offset), Features - Math.Abs(offset));
            yield return (offset, PiecewiseConstantTable.At(Autocast.ToFullPrecision(_table.Values(offset)), columns, axis));
        }
    }

    private void Reset()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        foreach (var offset in _table.Offsets) _table.Values(offset).zero_();
        var values = _table.Values(0);
        if (_init == MatrixActivationInit.Identity)
        {
            values.fill_(1);
            return;
        }
        var breaks = Breaks.reshape(-1, Breaks.shape[^1]);
        var last = breaks.shape[1] - 1;
        // The outermost bins have one end; the last one lies above its own.
        var isOne = cat([breaks.narrow(1, 0, 1).gt(0), (breaks.narrow(1, 0, last) + breaks.narrow(1, 1, last)).gt(0),
            breaks.narrow(1, last, 1).ge(0)], 1);
        values.copy_(isOne.shape[0] == values.shape[0] ? isOne : isOne.narrow(0, 0, 1));
    }

    private int Axis(Tensor y, string parameter)
    {
        ArgumentNullException.ThrowIfNull(y, parameter);
        var axis = FeatureDim < 0 ? FeatureDim + (int)y.dim() : FeatureDim;
        if (axis < 0 || axis >= y.dim() || y.shape[axis] != Features)
            throw new ArgumentException($"Expected {Features} along axis {FeatureDim}, got ({string.Join(", ", y.shape)})", parameter);
        var isDouble = _table.Values(0).dtype == ScalarType.Float64;
        if (!y.is_floating_point() || (y.dtype == ScalarType.Float64) != isDouble)
            throw new ArgumentException($"Expected {_table.Values(0).dtype}, as the tables are, got {y.dtype}", parameter);
        return axis;
    }

    // A module of its own, for the names with a dot.
    private sealed class Table : Module
    {
        public Table(long features, long bins, int bandwidth, MatrixActivationSharing sharing) : base(nameof(Table))
        {
            Offsets = [0, .. Enumerable.Range(1, bandwidth).SelectMany(k => new[] { k, -k })];
            foreach (var offset in Offsets)
                register_parameter(Name(offset), new Parameter(
                    zeros(sharing == MatrixActivationSharing.PerLayer ? 1 : features - Math.Abs(offset), bins)));
        }

        public IReadOnlyList<int> Offsets { get; }

        public Parameter Values(int offset) => get_parameter(Name(offset))!;

        private static string Name(int offset) => offset switch
        {
            0 => "diag",
            1 => "upper",
            -1 => "lower",
            > 1 => $"upper{offset}",
            _ => $"lower{-offset}",
        };
    }
}
