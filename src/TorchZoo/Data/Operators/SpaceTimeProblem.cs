using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// An evolution equation for s(x, t) on a grid of [0, L] × [0, T], L the length of the space. Locations are (x, t), time by time. Random
/// locations are points of the grid.
/// </summary>
public abstract record SpaceTimeProblem : OperatorProblem
{
    /// <summary>Grid points in space, both ends included, ≥ 3.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Nodes
    {
        get;
        init => field = Settings.AtLeast(3, value, nameof(Nodes));
    } = 100;

    /// <summary>Grid points in time, the first and the last included, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Times
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(Times));
    } = 100;

    /// <summary>Last time T.</summary>
    /// <exception cref="ArgumentException">Set to a number that is not positive.</exception>
    public double Duration
    {
        get;
        init => field = Settings.Positive(value, nameof(Duration));
    } = 1;

    /// <inheritdoc/>
    protected override long NumbersPerFunction => Nodes * Times;

    /// <summary>The grid in space.</summary>
    /// <returns>(Nodes), float64</returns>
    protected Tensor Xs() => linspace(0, Space.Length, Nodes, dtype: ScalarType.Float64);

    /// <summary>The grid in time.</summary>
    /// <returns>(Times), float64</returns>
    protected Tensor Ts() => linspace(0, Duration, Times, dtype: ScalarType.Float64);

    /// <inheritdoc/>
    public sealed override Tensor Locations()
    {
        using var scope = NewDisposeScope();
        return stack([Xs().repeat(Times), Ts().repeat_interleave(Nodes)], 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public sealed override Tensor Solve(Func<Tensor, Tensor> u)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return SolveOnGrid(u).flatten(1).MoveToOuterDisposeScope();
    }

    /// <summary>Applies the operator.</summary>
    /// <param name="u">As in <see cref="OperatorProblem.Solve"/>.</param>
    /// <returns>s (n, Times, Nodes); the caller's dispose scope ends its temporaries.</returns>
    protected abstract Tensor SolveOnGrid(Func<Tensor, Tensor> u);
}
