using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>What <see cref="ConjugateGradients.Run"/> found for a batch of systems.</summary>
/// <param name="Solution">The iterates (batch, …).</param>
/// <param name="Iterations">Iterations each system took, int64 (batch).</param>
/// <param name="RelativeResidual">‖b − A x‖/‖b‖ of each system (batch), by the recurrence of the iteration; 0 where b = 0.</param>
/// <param name="Converged">Which systems reached the tolerance, bool (batch).</param>
public sealed record ConjugateGradientsResult(Tensor Solution, Tensor Iterations, Tensor RelativeResidual, Tensor Converged) : IDisposable
{
    /// <summary>Whether all systems reached the tolerance.</summary>
    public bool AllConverged { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Solution.Dispose();
        Iterations.Dispose();
        RelativeResidual.Dispose();
        Converged.Dispose();
    }
}
