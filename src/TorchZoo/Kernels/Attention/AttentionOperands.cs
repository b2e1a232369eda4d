namespace TorchZoo.Kernels.Attention;

/// <summary>Addresses of one attention's tensors, (batch · heads, length, width) each; what isn't needed is null.</summary>
internal unsafe struct AttentionOperands<T> where T : unmanaged
{
    public long Length;

    // Of a query or key, and of a value.
    public int Width, ValueWidth;

    public T Scale;

    public T* Q, K, V;

    // While the forward pass runs, output · sum; the largest score; the sum of exp(score − largest). Then the output, and the scores'
    // log-sum-exp in place of the largest.
    public T* Output, LogSum, Sum;

    // Gradients by the output, and by queries, keys and values; the inner product of each output and its gradient.
    public T* ByOutput, ByQ, ByK, ByV, Delta;

    /// <summary>Those of one head of one batch item.</summary>
    public readonly AttentionOperands<T> Head(long index)
    {
        long rows = index * Length, keys = rows * Width, values = rows * ValueWidth;
        return this with
        {
            Q = Q + keys,
            K = K + keys,
            V = V + values,
            Output = Output + values,
            LogSum = LogSum + rows,
            Sum = Sum + rows,
            ByOutput = ByOutput + values,
            ByQ = ByQ + keys,
            ByK = ByK + keys,
            ByV = ByV + values,
            Delta = Delta + rows,
        };
    }
}
