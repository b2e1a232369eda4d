using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A nonlinear recurrence h_t = f(h_{t−1}, u_t) that <see cref="ParallelRecurrenceSolver"/> evaluates at all times at once. Its methods
/// take any leading axes, which they treat alike and independently: (batch, time) in the solver.
/// </summary>
public interface IRecurrentCell
{
    /// <summary>Numbers of a state.</summary>
    long StateSize { get; }

    /// <summary>Form of <see cref="Jacobian"/>.</summary>
    JacobianStructure Structure { get; }

    /// <summary>b such that |h_{t−1}| ≤ b makes |h_t| ≤ b for any input, if there is such a number: iterates are kept in these
    /// bounds.</summary>
    double? StateBound => null;

    /// <summary>What a step needs of the input and that doesn't depend on the state: (…, inputs) → (…, …). Computed once for all
    /// times.</summary>
    Tensor Precompute(Tensor x);

    /// <summary>f: the state after that.</summary>
    /// <param name="u">What <see cref="Precompute"/> made: (…, …).</param>
    /// <param name="state">(…, states)</param>
    /// <returns>(…, states)</returns>
    Tensor Transition(Tensor u, Tensor state);

    /// <summary>∂f/∂h, in the form that <see cref="Structure"/> says. Called without recording.</summary>
    /// <inheritdoc cref="Transition"/>
    Tensor Jacobian(Tensor u, Tensor state);
}
