using TorchSharp.Modules;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>
/// y = x Wᵀ + b with a sparse W (out, in) in compressed rows (arXiv 2302.04852, section 3). Its gradient is that of <c>nn.Linear</c> at the stored
/// entries.
/// </summary>
public sealed class SparseLinear : SparseLayer
{
    private SparsePlan? _plan;

    /// <summary>The layer of a weight.</summary>
    /// <param name="weight">(out, in), float32 or float64.</param>
    /// <param name="bias">(out); null: none.</param>
    /// <param name="mask">(out, in), what is stored; null: all that isn't zero.</param>
    /// <exception cref="ArgumentException">A shape isn't as described.</exception>
    /// <exception cref="NotSupportedException">The type isn't one of the two.</exception>
    public SparseLinear(Tensor weight, Tensor? bias = null, Tensor? mask = null)
        : base(nameof(SparseLinear), Matrix(weight), bias, mask)
    {
        RegisterIndices();
        RegisterComponents();
    }

    /// <summary>Features of an input.</summary>
    public long InFeatures => DenseShape[1];

    /// <summary>Features of an output.</summary>
    public long OutFeatures => DenseShape[0];

    /// <summary>The sparse form of a dense layer.</summary>
    /// <param name="linear">The layer; it stays as it is.</param>
    /// <param name="mask">What is stored; null: all that isn't zero.</param>
    public static SparseLinear FromDense(Linear linear, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(linear);
        return new(linear.weight!, linear.bias, mask);
    }

    /// <summary>The dense layer with the same weight and bias.</summary>
    public Linear ToDense()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var linear = nn.Linear(InFeatures, OutFeatures, bias is not null, W_val.device, W_val.dtype);
        linear.weight!.copy_(DenseWeight());
        if (bias is not null) linear.bias!.copy_(bias);
        return linear;
    }

    private protected override IEnumerable<string> IndexNames => ["W_idx_N", "W_idx_M"];

    private protected override IReadOnlyList<int[]> Indices(SparsePattern pattern) => [pattern.Rows, pattern.Columns];

    private protected override SparsePattern Read(IReadOnlyDictionary<string, Tensor> state) =>
        SparsePattern.Checked(Integers(state["W_idx_N"]), Integers(state["W_idx_M"]), (int)OutFeatures, (int)InFeatures);

    private protected override Tensor Eager(Tensor input, Tensor weight, Tensor? bias) => nn.functional.linear(input, weight, bias);

    private protected override Tensor Run(Tensor input)
    {
        if (input.dim() == 0 || input.shape[^1] != InFeatures)
            throw new ArgumentException($"expected (…, {InFeatures}), got ({string.Join(", ", input.shape)})", nameof(input));
        var output = Apply(_plan ??= SparsePlan.Linear(Pattern, (int)InFeatures), input.reshape(-1, InFeatures), Eager);
        return input.dim() == 2 ? output : output.reshape([.. input.shape[..^1], OutFeatures]);
    }

    private protected override Tensor WeightGradient(Tensor input, Tensor byOutput) => byOutput.t().mm(input);

    private protected override void OnPatternChanged() => _plan = null;

    private static Tensor Matrix(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Expect.Shape(weight, nameof(weight), -1, -1);
        return weight;
    }
}
