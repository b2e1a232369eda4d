using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>
/// A distribution of functions on [0, <see cref="Length"/>]^<see cref="Dim"/>. A function is known by its features, the numbers that were
/// drawn for it, and can be evaluated anywhere. Spaces are records of their settings, so that equal spaces draw equal functions.
/// </summary>
/// <remarks>All is computed in float64 on the CPU.</remarks>
public abstract record FunctionSpace
{
    /// <summary>Short name, e.g. <c>gaussian-process</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Space dimensions.</summary>
    public virtual int Dim => 1;

    /// <summary>Length L of the interval, &gt; 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double Length
    {
        get;
        init => field = Settings.Positive(value, nameof(Length));
    } = 1;

    /// <summary>Draws functions. Function i depends on the generator's state and on i alone, not on how many follow (up to rounding).</summary>
    /// <param name="n">Functions, ≥ 0.</param>
    /// <param name="generator">Source of randomness.</param>
    /// <returns>Features (n, …)</returns>
    public abstract Tensor Sample(long n, Generator generator);

    /// <summary>Evaluates functions.</summary>
    /// <param name="features">What <see cref="Sample"/> gave, (n, …).</param>
    /// <param name="xs">In one dimension (q), the same points for every function, or (n, q), each function's own; in d dimensions
    /// (q, d).</param>
    /// <returns>(n, q)</returns>
    /// <exception cref="ArgumentException">Features or points of another shape, or points outside the domain.</exception>
    public abstract Tensor Evaluate(Tensor features, Tensor xs);

    /// <summary>Checks the features' shape and the points' (in one dimension).</summary>
    /// <exception cref="ArgumentException">They have another.</exception>
    protected static void Check(Tensor features, long size, Tensor xs)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(xs);
        if (features.dim() != 2 || features.shape[1] != size)
            throw new ArgumentException($"Expected (n, {size}), got ({string.Join(", ", features.shape)}).", nameof(features));
        if (!xs.is_floating_point() || xs.dim() is < 1 or > 2 || (xs.dim() == 2 && xs.shape[0] != features.shape[0]))
            throw new ArgumentException($"Expected real (q) or ({features.shape[0]}, q), got {xs.dtype} ({string.Join(", ", xs.shape)}).",
                nameof(xs));
    }
}
