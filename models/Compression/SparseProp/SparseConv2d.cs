using TorchSharp.Modules;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>
/// A two-dimensional convolution with a sparse weight (out, in, K, K), stride 1 or 2 and zero padding (arXiv 2302.04852, section 3). Its
/// gradient is that of <c>nn.Conv2d</c> at the stored entries.
/// </summary>
public sealed class SparseConv2d : SparseLayer
{
    private readonly int _stride, _padding;
    private readonly Dictionary<(int Height, int Width, bool OverPositions), SparsePlan> _plans = [];

    /// <summary>The layer of a weight.</summary>
    /// <param name="weight">(out, in, K, K), float32 or float64.</param>
    /// <param name="bias">(out); null: none.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="padding">Zeros at each edge, ≥ 0.</param>
    /// <param name="mask">As the weight, what is stored; null: all that isn't zero.</param>
    /// <param name="order">What vectors go over.</param>
    /// <exception cref="ArgumentException">A shape or number isn't as described.</exception>
    /// <exception cref="NotSupportedException">There is no kernel for it; the message says why.</exception>
    public SparseConv2d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, Tensor? mask = null,
        ConvLoopOrder order = ConvLoopOrder.Auto)
        : base(nameof(SparseConv2d), Kernel(weight), bias, mask)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        if (stride > 2) throw new NotSupportedException($"sparse convolutions have stride 1 or 2, not {stride}");
        (_stride, _padding, Order) = (stride, padding, order);
        RegisterIndices();
        RegisterComponents();
    }

    /// <summary>What vectors go over.</summary>
    public ConvLoopOrder Order { get; set; }

    /// <summary>The sparse form of a dense layer.</summary>
    /// <param name="conv">The layer; it stays as it is.</param>
    /// <param name="mask">What is stored; null: all that isn't zero.</param>
    /// <param name="order">What vectors go over.</param>
    /// <exception cref="NotSupportedException">There is no kernel for it; the message says why.</exception>
    public static SparseConv2d FromDense(Conv2d conv, Tensor? mask = null, ConvLoopOrder order = ConvLoopOrder.Auto)
    {
        ArgumentNullException.ThrowIfNull(conv);
        if (conv.groups != 1) throw new NotSupportedException($"sparse convolutions have one group, not {conv.groups}");
        if (conv.dilation is { } dilation && dilation.Any(d => d != 1))
            throw new NotSupportedException($"sparse convolutions have dilation 1, not ({string.Join(", ", dilation)})");
        if (conv.padding_mode != TorchSharp.PaddingModes.Zeros)
            throw new NotSupportedException($"sparse convolutions pad with zeros, not {conv.padding_mode}");
        return new(conv.weight, conv.bias, One(conv.stride, "strides"), One(conv.padding, "paddings"), mask, order);

        static int One(long[]? both, string what) => both is [var y, var x] && y == x ? (int)y : both is [var one] ? (int)one
            : throw new NotSupportedException($"sparse convolutions have equal {what}, not ({string.Join(", ", both ?? [])})");
    }

    /// <summary>The dense layer with the same weight and bias.</summary>
    public Conv2d ToDense()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var conv = nn.Conv2d(DenseShape[1], DenseShape[0], DenseShape[2], _stride, (long)_padding, bias: bias is not null,
            device: W_val.device, dtype: W_val.dtype);
        conv.weight.copy_(DenseWeight());
        if (bias is not null) conv.bias!.copy_(bias);
        return conv;
    }

    private int InChannels => (int)DenseShape[1];

    private int KernelSize => (int)DenseShape[2];

    // Names and order of the reference, whose X is the kernel's row.
    private protected override IEnumerable<string> IndexNames => ["W_idx_OC", "W_idx_IC", "W_idx_X", "W_idx_Y"];

    private protected override IReadOnlyList<int[]> Indices(SparsePattern pattern)
    {
        var k2 = KernelSize * KernelSize;
        var counts = new int[pattern.Height * (InChannels + 1)];
        for (var o = 0; o < pattern.Height; o++)
        {
            var prefix = counts.AsSpan(o * (InChannels + 1), InChannels + 1);
            foreach (var column in pattern.Columns.AsSpan(pattern.Rows[o]..pattern.Rows[o + 1])) prefix[column / k2 + 1]++;
            for (var i = 0; i < InChannels; i++) prefix[i + 1] += prefix[i];
        }
        return [pattern.Rows, counts, [.. pattern.Columns.Select(c => c % k2 / KernelSize)], [.. pattern.Columns.Select(c => c % KernelSize)]];
    }

    private protected override SparsePattern Read(IReadOnlyDictionary<string, Tensor> state)
    {
        int[] rows = Integers(state["W_idx_OC"]), counts = Integers(state["W_idx_IC"]),
            y = Integers(state["W_idx_X"]), x = Integers(state["W_idx_Y"]);
        var (outChannels, count) = ((int)DenseShape[0], x.Length);
        if (y.Length != count || counts.Length != outChannels * (InChannels + 1) || rows.Length != outChannels + 1)
            throw new ArgumentException($"the index arrays don't fit {outChannels} output and {InChannels} input channels", nameof(state));
        var columns = new int[count];
        for (var o = 0; o < outChannels; o++)
            for (var i = 0; i < InChannels; i++)
            {
                long begin = (long)rows[o] + counts[o * (InChannels + 1) + i], end = (long)rows[o] + counts[o * (InChannels + 1) + i + 1];
                if (begin < 0 || end > count) throw new ArgumentException($"counts of output channel {o} go beyond the entries", nameof(state));
                for (var k = begin; k < end; k++)
                {
                    if (y[k] < 0 || y[k] >= KernelSize || x[k] < 0 || x[k] >= KernelSize)
                        throw new ArgumentException($"entry {k} lies outside of the {KernelSize}×{KernelSize} kernel", nameof(state));
                    columns[k] = (i * KernelSize + y[k]) * KernelSize + x[k];
                }
            }
        return SparsePattern.Checked(rows, columns, outChannels, Columns);
    }

    private protected override Tensor Eager(Tensor input, Tensor weight, Tensor? bias) =>
        nn.functional.conv2d(input, weight, bias, [_stride, _stride], [_padding, _padding]);

    private protected override Tensor Run(Tensor input)
    {
        var (height, width) = (input.dim() >= 2 ? input.shape[^2] : 0, input.dim() >= 2 ? input.shape[^1] : 0);
        if (input.dim() is not (3 or 4) || input.shape[^3] != InChannels)
            throw new ArgumentException($"expected (batch, {InChannels}, height, width), got ({string.Join(", ", input.shape)})", nameof(input));
        if (Math.Min(height, width) + 2 * _padding < KernelSize)
            throw new ArgumentException($"expected images that the {KernelSize}×{KernelSize} kernel fits into, got {height}×{width}", nameof(input));
        var batch = input.dim() == 4 ? input : input.unsqueeze(0);
        var output = Apply(Plan(batch.shape[0], (int)height, (int)width), batch, Eager);
        return input.dim() == 4 ? output : output.squeeze(0);
    }

    private protected override Tensor WeightGradient(Tensor input, Tensor byOutput)
    {
        using var on = enable_grad();
        using var weight = zeros(DenseShape.ToArray(), input.dtype, input.device, requires_grad: true);
        return autograd.grad([Eager(input, weight, null)], [weight], [byOutput])[0];
    }

    private protected override void OnPatternChanged() => _plans.Clear();

    private SparsePlan Plan(long batch, int height, int width)
    {
        var overPositions = Order == ConvLoopOrder.OverPositions
            || (Order == ConvLoopOrder.Auto && batch < 8 && (width + 2 * _padding) / _stride >= 16);
        if (!_plans.TryGetValue((height, width, overPositions), out var plan))
            _plans[(height, width, overPositions)] = plan =
                SparsePlan.Convolution(Pattern, InChannels, KernelSize, _stride, _padding, height, width, overPositions);
        return plan;
    }

    private static Tensor Kernel(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Expect.Shape(weight, nameof(weight), -1, -1, -1, -1);
        return weight.shape[2] == weight.shape[3] ? weight
            : throw new NotSupportedException($"sparse convolutions have square kernels, not {weight.shape[2]}×{weight.shape[3]}");
    }
}
