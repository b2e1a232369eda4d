using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Derivatives of an operator network's outputs with respect to its query points, for physics-informed training: no loop over points or
/// functions, and differentiable in turn.
/// </summary>
public static class PointDerivative
{
    /// <summary>
    /// ∂output/∂y_a ∂y_b … at each output's own query point.
    /// <code>
    /// var y = points.requires_grad_();
    /// var s = model.call(u, y);
    /// var residual = PointDerivative.Of(s, y, 1) - D * PointDerivative.Of(s, y, 0, 0) - k * s * s - f;   // s_t − D s_xx − k s² − f
    /// </code>
    /// </summary>
    /// <param name="output">What a network made of the points: (batch, outputs) of aligned ones, (functions, points) or
    /// (functions, points, outputs) of shared ones; or such a derivative again.</param>
    /// <param name="points">(points, d), requiring gradients since before the network was called.</param>
    /// <param name="axes">The coordinates to differentiate by, one after the other: <c>0</c> is the first derivative by the first
    /// coordinate, <c>0, 0</c> the second, <c>0, 1</c> the mixed one.</param>
    /// <returns>A tensor of the output's shape, part of the autograd graph.</returns>
    /// <exception cref="ArgumentException">The points don't require gradients, there is no such coordinate, or no axis was
    /// given.</exception>
    /// <remarks>Use an activation with as many derivatives as you take: ReLU's second is zero.</remarks>
    public static Tensor Of(Tensor output, Tensor points, params ReadOnlySpan<int> axes)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(points);
        if (points.dim() != 2) throw new ArgumentException($"Expected (points, d), got ({string.Join(", ", points.shape)})", nameof(points));
        if (!points.requires_grad)
            throw new ArgumentException("Expected points that required gradients before the network was called", nameof(points));
        if (axes.Length == 0) throw new ArgumentException("Expected one axis or more", nameof(axes));
        foreach (var axis in axes)
            if (axis < 0 || axis >= points.shape[1])
                throw new ArgumentException($"Expected axes from 0 to {points.shape[1] - 1}, got {axis}", nameof(axes));
        using var scope = NewDisposeScope();
        var derivative = output;
        foreach (var axis in axes) derivative = Along(derivative, points, axis);
        return derivative.MoveToOuterDisposeScope();
    }

    // Where each point has one output, a sum's gradient holds every derivative by itself. Where it has several (functions, outputs), that
    // gradient v ↦ ∂(Σ v·output)/∂y_axis sums over them; but it is linear in v, and its own derivative with respect to v sorts them again.
    private static Tensor Along(Tensor output, Tensor points, int axis)
    {
        if (output.numel() == points.shape[0])
            return Gradient(output, points, ones_like(output)).select(1, axis).reshape(output.shape);
        var v = zeros_like(output).requires_grad_();
        var sums = Gradient(output, points, v).select(1, axis);
        return Gradient(sums, v, ones_like(sums));
    }

    private static Tensor Gradient(Tensor of, Tensor by, Tensor cotangent)
    {
        if (!of.requires_grad) return zeros_like(by); // a constant, such as the derivative of a linear function
        var gradient = autograd.grad([of], [by], [cotangent], retain_graph: true, create_graph: true, allow_unused: true)[0];
        return gradient.IsInvalid ? zeros_like(by) : gradient;
    }
}
