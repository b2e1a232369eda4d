using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Preconditioned conjugate gradients for many symmetric positive definite (or Hermitian) systems at once. Every system has its own step
/// lengths and stops on its own: its iterate no longer changes once it has converged, whatever the rest of the batch needs.
/// Hestenes and Stiefel, J. Res. NBS 49 (1952).
/// </summary>
public static class ConjugateGradients
{
    /// <summary>Solves A x = b for each entry of the batch.</summary>
    /// <param name="apply">x ↦ A x, of the same shape (batch, …), each entry on its own. Its result must be a fresh tensor.</param>
    /// <param name="b">Right-hand sides (batch, …).</param>
    /// <param name="preconditioner">r ↦ M r with M ≈ A⁻¹ symmetric positive definite; null for none. Its result must be a fresh
    /// tensor.</param>
    /// <param name="initial">Where to start, of b's shape; null for zero.</param>
    /// <param name="tolerance">A system has converged when ‖r‖ ≤ tolerance · ‖b‖.</param>
    /// <param name="maxIterations">When to give up.</param>
    /// <param name="cancellation">Ends the iteration early.</param>
    /// <returns>The solutions (batch, …).</returns>
    /// <exception cref="NotConvergedException">A system did not reach the tolerance, or A or M is not positive definite.</exception>
    /// <exception cref="ArgumentException">b has no batch axis or no floating-point numbers, or the settings are out of range.</exception>
    public static Tensor Solve(Func<Tensor, Tensor> apply, Tensor b, Func<Tensor, Tensor>? preconditioner = null, Tensor? initial = null,
        double tolerance = 1e-10, int maxIterations = 1000, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var result = Run(apply, b, preconditioner, initial, tolerance, maxIterations, cancellation);
        if (result.AllConverged) return result.Solution.MoveToOuterDisposeScope();
        var iterations = (int)result.Iterations.max().item<long>();
        var residual = result.RelativeResidual.max().to(ScalarType.Float64).item<double>();
        var failed = result.Converged.logical_not().sum().item<long>();
        throw new NotConvergedException($"Conjugate gradients: {failed} of {b.shape[0]} systems did not reach a relative residual of "
            + $"{tolerance:G3} in {iterations} iterations (worst: {residual:G3}). Allow more iterations, use a better preconditioner, or "
            + "check that operator and preconditioner are symmetric and positive definite.", iterations, residual);
    }

    /// <summary>As <see cref="Solve"/>, but says what happened to each system instead of throwing when one does not converge.</summary>
    /// <inheritdoc cref="Solve"/>
    public static ConjugateGradientsResult Run(Func<Tensor, Tensor> apply, Tensor b, Func<Tensor, Tensor>? preconditioner = null,
        Tensor? initial = null, double tolerance = 1e-10, int maxIterations = 1000, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(apply);
        ArgumentNullException.ThrowIfNull(b);
        if (b.dim() < 1) throw new ArgumentException("Expected right-hand sides (batch, …), got a scalar.", nameof(b));
        if (!b.is_floating_point() && !b.is_complex())
            throw new ArgumentException($"Expected floating-point numbers, got {b.dtype}.", nameof(b));
        if (initial is not null && !initial.shape.AsSpan().SequenceEqual(b.shape))
            throw new ArgumentException($"Expected b's shape ({string.Join(", ", b.shape)}), got ({string.Join(", ", initial.shape)}).",
                nameof(initial));
        if (!(tolerance > 0)) throw new ArgumentOutOfRangeException(nameof(tolerance), tolerance, "Expected a positive number.");
        ArgumentOutOfRangeException.ThrowIfNegative(maxIterations);

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var x = initial is null ? zeros_like(b) : initial.clone();
        var r = initial is null ? b.clone() : b - apply(x);
        var bound = Dot(b, b).sqrt_();
        var norm = Dot(r, r).sqrt_();
        var target = bound * tolerance;
        var active = norm > target;                             // false for b = 0 and for NaN, which is never reported as converged
        var iterations = zeros(b.shape[0], dtype: ScalarType.Int64, device: b.device);
        var z = preconditioner?.Invoke(r) ?? r;
        var p = z.clone();
        var rz = Dot(r, z);

        for (var i = 0; i < maxIterations && active.any().item<bool>(); i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var ap = apply(p);
            var curvature = Dot(p, ap);
            var broken = (curvature <= 0).logical_or_(rz <= 0).logical_and_(active);
            active = active.logical_and(broken.logical_not_());
            // A finished system's divisor may be 0; where() keeps its 0/0 out of the iterate.
            var alpha = where(active, rz / curvature, zeros_like(rz));
            x.addcmul_(Spread(alpha, b), p, 1);
            r.addcmul_(Spread(alpha, b), ap, -1);
            iterations.add_(active.to(ScalarType.Int64));
            norm = where(active, Dot(r, r).sqrt_(), norm);
            active = active.logical_and_(norm > target);
            z = preconditioner?.Invoke(r) ?? r;
            var next = Dot(r, z);
            var beta = where(active, next / rz, zeros_like(rz));
            p.mul_(Spread(beta, b)).add_(z);
            rz = next;
            step.MoveToOuter(active, norm, rz);
        }

        var converged = norm <= target;
        var relative = where(bound > 0, norm / bound, norm);
        return new ConjugateGradientsResult(x.MoveToOuterDisposeScope(), iterations.MoveToOuterDisposeScope(),
            relative.MoveToOuterDisposeScope(), converged.MoveToOuterDisposeScope())
        {
            AllConverged = converged.all().item<bool>(),
        };
    }

    // Re ⟨u, v⟩ of each system; real also for Hermitian systems.
    private static Tensor Dot(Tensor u, Tensor v)
    {
        using var scope = NewDisposeScope();
        if (u.is_complex()) (u, v) = (u.view_as_real(), v.view_as_real());
        var size = u.shape.Skip(1).Aggregate(1L, (product, n) => product * n); // −1 would be ambiguous for an empty batch
        return bmm(u.reshape(u.shape[0], 1, size), v.reshape(v.shape[0], size, 1)).reshape(u.shape[0]).MoveToOuterDisposeScope();
    }

    private static Tensor Spread(Tensor perSystem, Tensor like)
    {
        var shape = new long[like.dim()];
        Array.Fill(shape, 1);
        shape[0] = like.shape[0];
        return perSystem.reshape(shape);
    }
}
