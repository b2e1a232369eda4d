using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Gradient, divergence, Laplacian, Jacobian and Hessian of a field y(x) by automatic differentiation, point by point: y is (…, c) and x is
/// (…, d), and no point's value may depend on another point's coordinates. Every result can be differentiated again, with respect to x and
/// to whatever parameters y depends on.
/// </summary>
/// <remarks>x must have required gradients before y was computed from it. Where y doesn't depend on x the derivative is 0, as it is for
/// the second derivatives of a ReLU network.</remarks>
public static class DifferentialOperators
{
    /// <summary>∂/∂x of y's channels' sum, or of their sum with weights.</summary>
    /// <param name="y">(…, c)</param>
    /// <param name="x">(…, d)</param>
    /// <param name="weights">Weights of y's entries, of y's shape; null: all 1.</param>
    /// <returns>(…, d)</returns>
    /// <exception cref="ArgumentException">The axes before the last differ, or the weights' shape isn't y's.</exception>
    /// <exception cref="InvalidOperationException">x doesn't require gradients, or y was computed without recording them, or recording is
    /// switched off here.</exception>
    public static Tensor Gradient(Tensor y, Tensor x, Tensor? weights = null)
    {
        Check(y, x);
        if (weights is not null && !weights.shape.AsSpan().SequenceEqual(y.shape))
            throw new ArgumentException($"Expected y's shape ({Text(y)}), got ({Text(weights)})", nameof(weights));
        return Derivative(y, x, weights);
    }

    /// <summary>Σ_i ∂y_i/∂x_i</summary>
    /// <param name="y">A vector field (…, d).</param>
    /// <param name="x">(…, d)</param>
    /// <returns>(…, 1)</returns>
    /// <inheritdoc cref="Gradient"/>
    public static Tensor Divergence(Tensor y, Tensor x)
    {
        Check(y, x);
        if (y.shape[^1] != x.shape[^1])
            throw new ArgumentException($"Expected as many channels as coordinates ({x.shape[^1]}), got ({Text(y)})", nameof(y));
        return Trace(y, x);
    }

    /// <summary>Σ_i ∂²/∂x_i² of y's channels' sum.</summary>
    /// <returns>(…, 1)</returns>
    /// <inheritdoc cref="Gradient"/>
    public static Tensor Laplace(Tensor y, Tensor x)
    {
        Check(y, x);
        using var scope = NewDisposeScope();
        return Trace(Derivative(y, x), x).MoveToOuterDisposeScope();
    }

    /// <summary>∂y_k/∂x_i</summary>
    /// <returns>(…, c, d)</returns>
    /// <inheritdoc cref="Gradient"/>
    public static Tensor Jacobian(Tensor y, Tensor x)
    {
        Check(y, x);
        return Rows(y, x);
    }

    /// <summary>∂²y_k/∂x_i∂x_j</summary>
    /// <returns>(…, c, d, d)</returns>
    /// <inheritdoc cref="Gradient"/>
    public static Tensor Hessian(Tensor y, Tensor x)
    {
        Check(y, x);
        using var scope = NewDisposeScope();
        var channels = Enumerable.Range(0, (int)y.shape[^1]).Select(k => Rows(Derivative(y.narrow(-1, k, 1), x), x));
        return stack(channels, -3).MoveToOuterDisposeScope();
    }

    private static Tensor Rows(Tensor y, Tensor x)
    {
        using var scope = NewDisposeScope();
        return stack(Enumerable.Range(0, (int)y.shape[^1]).Select(k => Derivative(y.narrow(-1, k, 1), x)), -2).MoveToOuterDisposeScope();
    }

    private static Tensor Trace(Tensor y, Tensor x)
    {
        using var scope = NewDisposeScope();
        return Enumerable.Range(0, (int)y.shape[^1])
            .Select(i => Derivative(y.narrow(-1, i, 1), x).narrow(-1, i, 1))
            .Aggregate((sum, next) => sum + next).MoveToOuterDisposeScope();
    }

    private static Tensor Derivative(Tensor y, Tensor x, Tensor? weights = null)
    {
        // A derivative that is constant isn't in the graph any more.
        if (!y.requires_grad) return zeros_like(x);
        using var scope = NewDisposeScope();
        var gradient = autograd.grad([y], [x], [weights ?? ones_like(y)], retain_graph: true, create_graph: true, allow_unused: true)[0];
        return (gradient.IsInvalid ? zeros_like(x) : gradient).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor y, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || y.dim() != x.dim() || !y.shape.AsSpan(..^1).SequenceEqual(x.shape.AsSpan(..^1))
            || x.shape[^1] == 0 || y.shape[^1] == 0)
            throw new ArgumentException($"Expected y (…, c) for x ({Text(x)}), got ({Text(y)})", nameof(y));
        if (!x.requires_grad)
            throw new InvalidOperationException("x doesn't require gradients: call x.requires_grad_() before y is computed from it");
        // libtorch's own errors here would end the process: TorchSharp doesn't catch them.
        if (!is_grad_enabled()) throw new InvalidOperationException("Derivatives can't be taken under no_grad or in inference mode");
        if (!y.requires_grad) throw new InvalidOperationException("y wasn't computed from an x that requires gradients, or under no_grad");
    }

    private static string Text(Tensor tensor) => string.Join(", ", tensor.shape);
}
