using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>x · σ(1.702 x), the approximation of GELU that the paper takes.</summary>
public static class QuickGelu
{
    /// <summary>Of each number.</summary>
    /// <param name="x">Any shape.</param>
    public static Tensor Apply(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        return (x * (x * 1.702).sigmoid()).MoveToOuterDisposeScope();
    }
}
