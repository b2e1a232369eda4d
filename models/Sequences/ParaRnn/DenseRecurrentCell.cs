using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Any recurrence h_t = f(h_{t−1}, u_t) in torch operations, with the dense Jacobian by autograd: for few states, since a step of
/// the scan costs states³.</summary>
/// <param name="stateSize">Numbers of a state.</param>
/// <param name="transition">f of (…, …) inputs and (…, states), for any leading axes, which it treats alike and independently.</param>
/// <param name="precompute">Makes the inputs u of x; null: x itself.</param>
public sealed class DenseRecurrentCell(long stateSize, Func<Tensor, Tensor, Tensor> transition, Func<Tensor, Tensor>? precompute = null)
    : IRecurrentCell
{
    /// <inheritdoc/>
    public long StateSize { get; } = stateSize > 0 ? stateSize
        : throw new ArgumentException($"expected a positive number, got {stateSize}", nameof(stateSize));

    /// <inheritdoc/>
    public JacobianStructure Structure => JacobianStructure.Dense;

    /// <inheritdoc/>
    public double? StateBound { get; init; }

    /// <inheritdoc/>
    public Tensor Precompute(Tensor x) => precompute is null ? x.alias() : precompute(x);

    /// <inheritdoc/>
    public Tensor Transition(Tensor u, Tensor state) => transition(u, state);

    /// <inheritdoc/>
    public Tensor Jacobian(Tensor u, Tensor state) => RecurrentJacobian.ByAutograd(transition, u, state, Structure);
}
