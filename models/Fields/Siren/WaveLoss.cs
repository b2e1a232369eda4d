using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>
/// The loss of a solution u(t, x, y) of the wave equation u_tt = c² (u_xx + u_yy) with u = u₀ and u_t = 0 at the beginning. Sums of
/// absolute values over N points: Σ|u_tt − c²Δu| + N/10 Σ_{t=0}|u − u₀| + N/100 Σ_{t=0}|u_t|.
/// </summary>
/// <remarks>Source: Sitzmann et al. 2020, supplement 5, with the weights of the reference implementation.</remarks>
public static class WaveLoss
{
    /// <summary>The bump that the reference starts from: exp(−r²/(2v))/50.</summary>
    /// <param name="coords">(…, 3): t, x, y.</param>
    /// <param name="x">Centre.</param>
    /// <param name="y">Centre.</param>
    /// <param name="variance">v</param>
    /// <returns>(…, 1)</returns>
    /// <exception cref="ArgumentException">Not three coordinates, or the variance isn't positive.</exception>
    public static Tensor Bump(Tensor coords, double x = 0, double y = 0, double variance = 5e-4)
    {
        Require.LastAxis(coords, 3, nameof(coords));
        Require.Positive(variance, nameof(variance));
        using var scope = NewDisposeScope();
        var squared = (coords.narrow(-1, 1, 1) - x).square() + (coords.narrow(-1, 2, 1) - y).square();
        return ((squared * (-0.5 / variance)).exp() / 50).MoveToOuterDisposeScope();
    }

    /// <summary>The three terms.</summary>
    /// <param name="field">u with its gradient and ∂²/∂t², ∂²/∂x², ∂²/∂y² (<see cref="SecondOrder.Each"/>); one channel. Or, where the
    /// speed is the same everywhere, with the wave operator alone, which is cheaper: <see cref="SecondOrder.Weighted"/> by (1, −c²,
    /// −c²).</param>
    /// <param name="initial">u₀ (…, 1); read where <paramref name="atStart"/> is true.</param>
    /// <param name="atStart">True for the points with t = 0 (…, 1).</param>
    /// <param name="squaredSpeed">c², a number or (…, 1); null: 1, or what the wave operator has.</param>
    /// <returns>Scalars. The caller disposes of them.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, or the mask isn't of bools.</exception>
    public static WaveLossTerms Terms(FieldJet field, Tensor initial, Tensor atStart, Tensor? squaredSpeed = null)
    {
        ArgumentNullException.ThrowIfNull(field);
        Require.LastAxis(field.Value, 1, nameof(field));
        long[] lead = field.Value.shape[..^1];
        Require.Shape(field.Gradient, [.. lead, 1, 3], nameof(field));
        var isOperator = squaredSpeed is null && field.Second.dim() > 0 && field.Second.shape[^1] == 1;
        Require.Shape(field.Second, [.. lead, 1, isOperator ? 1 : 3], nameof(field));
        Require.Shape(initial, field.Value.shape, nameof(initial));
        Require.Shape(atStart, field.Value.shape, nameof(atStart));
        if (atStart.dtype != ScalarType.Bool) throw new ArgumentException($"Expected bools, got {atStart.dtype}", nameof(atStart));
        if (squaredSpeed is not null && squaredSpeed.dim() > 0) Require.Shape(squaredSpeed, field.Value.shape, nameof(squaredSpeed));
        using var scope = NewDisposeScope();
        var points = field.Value.numel();
        var start = atStart.to(field.Value.dtype);
        return new WaveLossTerms(
            (isOperator ? field.Laplacian : WaveOperator(field.Second, squaredSpeed)).abs().sum().MoveToOuterDisposeScope(),
            ((start * (field.Value - initial)).abs().sum() * (points / 10.0)).MoveToOuterDisposeScope(),
            ((start * field.Gradient.select(-1, 0)).abs().sum() * (points / 100.0)).MoveToOuterDisposeScope());
    }

    /// <summary>The sum of the terms.</summary>
    /// <returns>A scalar.</returns>
    /// <inheritdoc cref="Terms"/>
    public static Tensor Loss(FieldJet field, Tensor initial, Tensor atStart, Tensor? squaredSpeed = null)
    {
        using var scope = NewDisposeScope();
        var terms = Terms(field, initial, atStart, squaredSpeed);
        return (terms.Equation + terms.Dirichlet + terms.Neumann).MoveToOuterDisposeScope();
    }

    private static Tensor WaveOperator(Tensor second, Tensor? squaredSpeed)
    {
        var laplacian = second.narrow(-1, 1, 2).sum(-1);
        return second.select(-1, 0) - (squaredSpeed is null ? laplacian : laplacian * squaredSpeed);
    }
}
