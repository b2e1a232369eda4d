using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary>
/// Attention in which each query sees some ranges of keys: o_i = Σ_j softmax_j(scale · q_i · k_j) v_j over the keys j of query i, in time
/// proportional to the number of pairs and with no memory but the outputs and two numbers a query. The backward pass computes the shares
/// again (Dao et al. 2022, arXiv 2205.14135).
/// </summary>
/// <remarks>There are kernels for float32 and float64 on CPUs and, for widths up to 128, on NVIDIA's GPUs; 16-bit types are computed in
/// float32. All else, and gradients of gradients, go through <see cref="Composed"/>. The bits are the same in every run, on any number of
/// threads.</remarks>
public static class RangeAttention
{
    /// <summary>Outputs of all queries.</summary>
    /// <param name="q">Queries, (batch, heads, length, width).</param>
    /// <param name="k">Keys, as the queries.</param>
    /// <param name="v">Values, (batch, heads, length, value width).</param>
    /// <param name="heads">The plan of each head: one for all, or as many as heads.</param>
    /// <param name="scale">Factor of the scores; null: 1 / √width.</param>
    /// <returns>(batch, heads, length, value width)</returns>
    /// <exception cref="ArgumentException">A shape or type isn't as described, or a plan has positions that the sequence lacks.</exception>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, IReadOnlyList<RangePlan> heads, double? scale = null)
    {
        var plans = Check(q, k, v, heads);
        using var scope = NewDisposeScope();
        var function = new Function(plans, scale ?? 1 / Math.Sqrt(q.shape[3]));
        var output = function.ApplyInFullPrecision(Plain(q), Plain(k), Plain(v))[0];
        return output.to(q.dtype).MoveToOuterDisposeScope();

        // A leaf copies a gradient that somebody else refers to, and C# does. That of a view nobody does.
        static Tensor Plain(Tensor x) => x.contiguous().view(x.shape);
    }

    /// <summary>The same in torch operations, on any device, in any type and differentiable any number of times: blocks of queries against
    /// the keys that any of them sees, parts merged by their log-sum-exp. It takes memory for all scores of these.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Composed(Tensor q, Tensor k, Tensor v, IReadOnlyList<RangePlan> heads, double? scale = null)
    {
        var plans = Check(q, k, v, heads);
        using var scope = NewDisposeScope();
        return ComposedAttention.Compute(q, k, v, plans, scale ?? 1 / Math.Sqrt(q.shape[3])).MoveToOuterDisposeScope();
    }

    private static RangePlan[] Check(Tensor q, Tensor k, Tensor v, IReadOnlyList<RangePlan> heads)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(heads);
        if (q.dim() != 4 || q.shape[3] < 1)
            throw new ArgumentException($"expected (batch, heads, length, width), got ({string.Join(", ", q.shape)})", nameof(q));
        Expect.Type(q, nameof(q), ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16);
        Expect.Shape(k, nameof(k), q.shape);
        Expect.Shape(v, nameof(v), q.shape[0], q.shape[1], q.shape[2], -1);
        Expect.Like(k, q, nameof(k));
        Expect.Like(v, q, nameof(v));
        if (heads.Count != 1 && heads.Count != q.shape[1])
            throw new ArgumentException($"expected 1 plan or {q.shape[1]}, got {heads.Count}", nameof(heads));
        foreach (var plan in heads)
            if (plan.Length > q.shape[2])
                throw new ArgumentException($"expected plans for a length of {q.shape[2]}, got one for {plan.Length}", nameof(heads));
        return heads.Count == 1 ? [.. Enumerable.Repeat(heads[0], (int)q.shape[1])] : [.. heads];
    }

    private sealed class Function(RangePlan[] heads, double scale) : KernelFunction
    {
        protected override bool HasKernel(KernelCall call) => call[0].device_type == DeviceType.CPU
            ? call[0].dtype is ScalarType.Float32 or ScalarType.Float64 : CudaRangeAttention.HasKernel(call[0], call[2]);

        protected override Tensor[] Forward(KernelCall call)
        {
            var (output, logSum) = call[0].device_type == DeviceType.CUDA
                ? CudaRangeAttention.Forward(call[0], call[1], call[2], heads, scale)
                : call[0].dtype == ScalarType.Float32 ? CpuAttention<float>.Forward(call, heads, (float)scale)
                : CpuAttention<double>.Forward(call, heads, scale);
            call.Save(output, logSum);
            return [output];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var gradient = byOutputs[0]!.contiguous();
            if (gradient.device_type == DeviceType.CUDA)
                return CudaRangeAttention.Backward(call[0], call[1], call[2], call.Saved(0), call.Saved(1), gradient, heads, scale);
            return call[0].dtype == ScalarType.Float32 ? CpuAttention<float>.Backward(call, heads, (float)scale, gradient)
                : CpuAttention<double>.Backward(call, heads, scale, gradient);
        }

        protected override Tensor[] Eager(KernelCall call) => [ComposedAttention.Compute(call[0], call[1], call[2], heads, scale)];
    }
}
