namespace TorchZoo.Models.Compression;

/// <summary>How sparsity grows: s(t) = s_f + (s_i − s_f)(1 − (t − t_b)/(t_e − t_b))³ between two steps (Zhu and Gupta 2017, arXiv 1710.01878,
/// equation 1): fast at first, when much is redundant.</summary>
/// <param name="Final">s_f, in [0, 1].</param>
/// <param name="Begin">t_b, the first step that prunes, ≥ 0.</param>
/// <param name="End">t_e, the last step that prunes, &gt; t_b.</param>
/// <param name="Every">Steps from one pruning to the next, ≥ 1.</param>
/// <param name="Initial">s_i, in [0, 1].</param>
public sealed record PruningSchedule(double Final, long Begin, long End, long Every = 1, double Initial = 0)
{
    /// <summary>The sparsity at a step.</summary>
    public double At(long step)
    {
        var left = 1 - Math.Clamp((step - Begin) / (double)(End - Begin), 0, 1);
        return Final + (Initial - Final) * left * left * left;
    }

    /// <summary>Whether a step prunes.</summary>
    public bool IsDue(long step) => step >= Begin && step <= End && ((step - Begin) % Every == 0 || step == End);

    internal PruningSchedule Checked()
    {
        if (!(Final is >= 0 and <= 1 && Initial is >= 0 and <= 1 && Begin >= 0 && End > Begin && Every >= 1))
            throw new ArgumentException($"expected sparsities in [0, 1], 0 ≤ begin < end and every ≥ 1, got {this}");
        return this;
    }
}
