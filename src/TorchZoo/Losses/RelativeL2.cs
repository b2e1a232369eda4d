using static TorchSharp.torch;

namespace TorchZoo.Losses;

/// <summary>The usual loss and error measure of operator learning.</summary>
public static class RelativeL2
{
    /// <summary>
    /// The batch mean of ‖ŷ − y‖₂/‖y‖₂, each sample flattened (channels and points together). Differentiable, with gradient 0 for a
    /// sample that is met exactly; real or complex.
    /// </summary>
    /// <param name="yHat">Prediction (batch, …).</param>
    /// <param name="y">Truth, of the same shape. A sample that is zero everywhere has no relative error: the result is then not
    /// finite.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes differ or have no batch axis, or the numbers are integers.</exception>
    public static Tensor Loss(Tensor yHat, Tensor y)
    {
        using var scope = NewDisposeScope();
        return PerSample(yHat, y).mean().MoveToOuterDisposeScope();
    }

    /// <summary>‖ŷ − y‖₂/‖y‖₂ of each sample.</summary>
    /// <returns>(batch)</returns>
    /// <inheritdoc cref="Loss"/>
    public static Tensor PerSample(Tensor yHat, Tensor y)
    {
        LossShapes.Check(yHat, y, 0);
        if (y.dim() == 0) throw new ArgumentException("Expected (batch, …), got a scalar.", nameof(y));
        using var scope = NewDisposeScope();
        return (Norm(yHat - y) / Norm(y)).MoveToOuterDisposeScope();
    }

    private static Tensor Norm(Tensor x) =>
        linalg.vector_norm(x.reshape(x.shape[0], x.shape.Skip(1).Aggregate(1L, (a, b) => a * b)), 2, dims: [1]);
}
