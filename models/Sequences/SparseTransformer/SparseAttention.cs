using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Attention;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Attention over a pattern: o_i = Σ_{j ∈ S_i} softmax_j(scale · q_i · k_j) v_j (equations 2 to 4), forward and backward, in time
/// and memory that follow the pattern.</summary>
public static class SparseAttention
{
    /// <summary>Outputs of all positions.</summary>
    /// <param name="q">Queries, (batch, heads, n, width); float32 or float64, or a 16-bit type, which is computed in float32.</param>
    /// <param name="k">Keys, as the queries.</param>
    /// <param name="v">Values, (batch, heads, n, value width).</param>
    /// <param name="pattern">The pattern, of length n.</param>
    /// <param name="scale">Factor of the scores; null: 1 / √width.</param>
    /// <param name="kernel">How to compute it.</param>
    /// <returns>(batch, heads, n, value width); 0 where a position attends to none.</returns>
    /// <exception cref="ArgumentException">Shapes or types don't fit each other or the pattern.</exception>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, AttentionPattern pattern, double? scale = null,
        AttentionKernel kernel = AttentionKernel.Auto)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Apply(q, k, v, [pattern], scale, kernel);
    }

    /// <summary>The same with a pattern for each head.</summary>
    /// <param name="q">Queries, (batch, heads, n, width).</param>
    /// <param name="k">Keys, as the queries.</param>
    /// <param name="v">Values, (batch, heads, n, value width).</param>
    /// <param name="patterns">As many as heads, or one for all; of length n.</param>
    /// <param name="scale">Factor of the scores; null: 1 / √width.</param>
    /// <param name="kernel">How to compute it.</param>
    /// <inheritdoc cref="Apply(Tensor, Tensor, Tensor, AttentionPattern, double?, AttentionKernel)"/>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, IReadOnlyList<AttentionPattern> patterns, double? scale = null,
        AttentionKernel kernel = AttentionKernel.Auto)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(patterns);
        if (!Enum.IsDefined(kernel)) throw new ArgumentOutOfRangeException(nameof(kernel), kernel, "is no kernel");
        if (q.dim() != 4 || q.shape[3] < 1)
            throw new ArgumentException($"expected (batch, heads, n, width), got ({string.Join(", ", q.shape)})", nameof(q));
        var heads = (int)q.shape[1];
        if (patterns.Count != 1 && patterns.Count != heads)
            throw new ArgumentException($"expected 1 pattern or {heads}, got {patterns.Count}", nameof(patterns));
        foreach (var pattern in patterns)
            if (pattern.Length != q.shape[2])
                throw new ArgumentException($"expected patterns of length {q.shape[2]}, got one of {pattern.Length}", nameof(patterns));
        Expect.Shape(k, nameof(k), q.shape);
        Expect.Shape(v, nameof(v), q.shape[0], q.shape[1], q.shape[2], -1);
        Expect.Like(k, q, nameof(k));
        Expect.Like(v, q, nameof(v));
        var factor = scale ?? 1 / Math.Sqrt(q.shape[3]);
        if (kernel == AttentionKernel.DenseMasked) return Dense(q, k, v, patterns, factor);
        // On a GPU libtorch's own kernel has the matrix units; it knows no other scale.
        if (kernel == AttentionKernel.Auto && scale is null && q.device_type == DeviceType.CUDA
            && patterns.All(p => p.Kind == AttentionPatternKind.Causal))
            return nn.functional.scaled_dot_product_attention(q, k, v, is_casual: true);
        RangePlan[] plans = [.. Enumerable.Range(0, heads).Select(h => patterns[patterns.Count == 1 ? 0 : h].PlanOf(h))];
        return kernel == AttentionKernel.Composed ? RangeAttention.Composed(q, k, v, plans, factor)
            : RangeAttention.Apply(q, k, v, plans, factor);
    }

    /// <summary>The shares softmax_j(scale · q_i · k_j) themselves, (batch, heads, n, n); 0 where a pattern has no pair.</summary>
    internal static Tensor Shares(Tensor q, Tensor k, IReadOnlyList<AttentionPattern> patterns, double? scale = null)
    {
        using var scope = NewDisposeScope();
        var hidden = stack([.. Enumerable.Range(0, (int)q.shape[1]).Select(h => patterns[patterns.Count == 1 ? 0 : h].ToMask(h))])
            .logical_not().to(q.device);
        // Any finite scores where there are no keys: the gradients must not be NaN.
        var empty = hidden.all(-1, keepdim: true);
        var scores = q.matmul(k.transpose(-1, -2)) * (scale ?? 1 / Math.Sqrt(q.shape[3]));
        return scores.masked_fill(hidden & empty.logical_not(), double.NegativeInfinity).softmax(-1).masked_fill(empty, 0)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Dense(Tensor q, Tensor k, Tensor v, IReadOnlyList<AttentionPattern> patterns, double scale)
    {
        using var shares = Shares(q, k, patterns, scale);
        return shares.matmul(v);
    }
}
