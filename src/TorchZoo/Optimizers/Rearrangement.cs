using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>Elements that come from others: a sparse weight's and its momentum's after a change of the pattern.</summary>
public static class Rearrangement
{
    /// <summary>Each element's earlier value.</summary>
    /// <param name="values">The elements before, (n).</param>
    /// <param name="before">For each element now the index that it had before, int64; −1 if it is new.</param>
    /// <returns>As many as <paramref name="before"/>; 0 for new ones.</returns>
    public static Tensor Of(Tensor values, Tensor before)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(before);
        using var scope = NewDisposeScope();
        var from = before.to(values.device);
        var zero = zeros(before.shape, values.dtype, values.device);
        // No element to choose from is an index out of range, even where it isn't used.
        if (values.numel() == 0) return zero.MoveToOuterDisposeScope();
        return where(from.ge(0), values.reshape(-1).index_select(0, from.clamp_min(0)), zero).MoveToOuterDisposeScope();
    }
}
