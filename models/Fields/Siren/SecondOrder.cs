namespace TorchZoo.Models.Fields;

/// <summary>Which second-order operators Σ_i s_i ∂²/∂x_i² a <see cref="FieldJet"/> holds.</summary>
public sealed class SecondOrder
{
    private readonly Func<int, double[,]> _matrix;

    private SecondOrder(Func<int, double[,]> matrix) => _matrix = matrix;

    /// <summary>None: values and gradients alone.</summary>
    public static SecondOrder None { get; } = new(_ => new double[0, 0]);

    /// <summary>The Laplacian.</summary>
    public static SecondOrder Laplacian { get; } = new(d => Rows(d, 1, (_, _) => 1));

    /// <summary>∂²/∂x_i² for each i.</summary>
    public static SecondOrder Each { get; } = new(d => Rows(d, d, (j, i) => i == j ? 1 : 0));

    /// <summary>One operator with given weights s, such as (1, −c², −c²) for the wave equation in (t, x, y).</summary>
    public static SecondOrder Weighted(params double[] weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        double[] own = [.. weights];
        return new(d => own.Length == d ? Rows(d, 1, (_, i) => own[i])
            : throw new ArgumentException($"Expected {d} weights, one a coordinate, got {own.Length}", nameof(weights)));
    }

    /// <summary>The weights, a row for each operator, for d coordinates.</summary>
    internal double[,] Matrix(int d) => _matrix(d);

    private static double[,] Rows(int d, int m, Func<int, int, double> weight)
    {
        var matrix = new double[m, d];
        for (var j = 0; j < m; j++)
            for (var i = 0; i < d; i++) matrix[j, i] = weight(j, i);
        return matrix;
    }
}
