using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// A linear system on a grid in which each node is coupled to itself and its four neighbours, solved directly: elimination row by row of
/// the grid, with blocks of a row's size. Symmetric, definite or real it need not be, as with waves in absorbing layers.
/// </summary>
/// <param name="Centre">Coefficient of the node itself (rows, columns).</param>
/// <param name="Above">Of its neighbour in the row before; in the first row unused.</param>
/// <param name="Below">In the row after.</param>
/// <param name="Left">In the column before.</param>
/// <param name="Right">In the column after.</param>
/// <remarks>Block elimination without exchange of rows of blocks (the block form of the Thomas algorithm): rows·columns³ operations,
/// rows·columns² numbers of memory.</remarks>
public sealed record FivePointSystem(Tensor Centre, Tensor Above, Tensor Below, Tensor Left, Tensor Right)
{
    /// <summary>The matrix times a vector.</summary>
    /// <param name="x">(rows, columns)</param>
    /// <returns>(rows, columns)</returns>
    /// <exception cref="ArgumentException">A shape or element type doesn't fit.</exception>
    public Tensor Multiply(Tensor x)
    {
        Check(x, nameof(x), 2);
        using var scope = NewDisposeScope();
        var (rows, columns) = (x.shape[0], x.shape[1]);
        var y = Centre * x;
        y.narrow(0, 1, rows - 1).add_(Above.narrow(0, 1, rows - 1) * x.narrow(0, 0, rows - 1));
        y.narrow(0, 0, rows - 1).add_(Below.narrow(0, 0, rows - 1) * x.narrow(0, 1, rows - 1));
        y.narrow(1, 1, columns - 1).add_(Left.narrow(1, 1, columns - 1) * x.narrow(1, 0, columns - 1));
        y.narrow(1, 0, columns - 1).add_(Right.narrow(1, 0, columns - 1) * x.narrow(1, 1, columns - 1));
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>The solution for one or more right-hand sides.</summary>
    /// <param name="b">(rows, columns, count), of the coefficients' type.</param>
    /// <returns>(rows, columns, count)</returns>
    /// <exception cref="ArgumentException">A shape or element type doesn't fit.</exception>
    public Tensor Solve(Tensor b)
    {
        Check(b, nameof(b), 3);
        using var scope = NewDisposeScope();
        var rows = b.shape[0];
        var inverses = new Tensor[rows];
        var sides = new Tensor[rows];
        for (var i = 0; i < rows; i++)
        {
            using var inner = NewDisposeScope();
            var block = diag(Centre[i]) + diag(Left[i].narrow(0, 1, b.shape[1] - 1), -1) + diag(Right[i].narrow(0, 0, b.shape[1] - 1), 1);
            var side = b[i];
            if (i > 0)
            {
                // The row before is gone: what it contributes is eliminated.
                var above = Above[i].unsqueeze(1) * inverses[i - 1];
                block -= above * Below[i - 1];
                side = side - above.matmul(sides[i - 1]);
            }
            inverses[i] = linalg.inv(block).MoveToOuterDisposeScope();
            sides[i] = side.MoveToOuterDisposeScope();
        }
        var solution = new Tensor[rows];
        for (var i = rows - 1; i >= 0; i--)
            solution[i] = inverses[i].matmul(i == rows - 1 ? sides[i] : sides[i] - Below[i].unsqueeze(1) * solution[i + 1]);
        return stack(solution).MoveToOuterDisposeScope();
    }

    private void Check(Tensor x, string name, int axes)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] all = [Centre, Above, Below, Left, Right];
        if (Centre.dim() != 2 || Centre.numel() == 0 || all.Any(t => !t.shape.SequenceEqual(Centre.shape) || t.dtype != Centre.dtype))
            throw new ArgumentException("Expected coefficients (rows, columns), all of one shape and type.", nameof(Centre));
        if (x.dim() != axes || !x.shape.AsSpan(0, 2).SequenceEqual(Centre.shape) || x.dtype != Centre.dtype)
            throw new ArgumentException($"Expected ({string.Join(", ", Centre.shape)}{(axes == 3 ? ", count" : "")}) of {Centre.dtype}, "
                + $"got ({string.Join(", ", x.shape)}) of {x.dtype}.", name);
    }
}
