using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A curve as a known function: φ(x) ≈ c f(a x + b) + d.</summary>
/// <param name="Function">f</param>
/// <param name="A">a</param>
/// <param name="B">b</param>
/// <param name="C">c</param>
/// <param name="D">d</param>
/// <param name="R2">The share of the curve's variance that is explained, R².</param>
public sealed record SymbolicEdge(SymbolicFunction Function, double A, double B, double C, double D, double R2)
{
    private const int Cells = 101;

    // Of a curve so many points tell all that a function with four numbers can be told apart by.
    private const long MostPoints = 201;

    /// <summary>How good a guess it is, the smaller the better: the function's complexity against the bits that are left unexplained.</summary>
    /// <param name="simplicity">Weight of the complexity, 0 to 1.</param>
    public double Score(double simplicity = 0.8) => simplicity * Function.Complexity + (1 - simplicity) * Math.Log2(1 + 1e-5 - R2);

    /// <summary>Finds a and b on a grid whose best point is enlarged again and again, by the correlation of f(a x + b) with y; then c and d by
    /// regression.</summary>
    /// <param name="x">Where the curve is known, (N).</param>
    /// <param name="y">Its values, (N).</param>
    /// <param name="function">f</param>
    /// <param name="range">a and b are at most so large.</param>
    /// <param name="rounds">How often the grid is laid, ≥ 1.</param>
    /// <exception cref="ArgumentException">The shapes don't fit, there are fewer than 2 points, or a number isn't finite or out of its range.</exception>
    public static SymbolicEdge Fit(Tensor x, Tensor y, SymbolicFunction function, double range = 10, int rounds = 3)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(function);
        if (x.dim() != 1 || x.shape[0] < 2) throw new ArgumentException($"Expected 2 or more points, got ({string.Join(", ", x.shape)})", nameof(x));
        Kernels.Expect.Shape(y, nameof(y), x.shape[0]);
        if (!(range > 0 && double.IsFinite(range))) throw new ArgumentException($"Expected a range > 0, got {range}", nameof(range));
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        Tensor allX = x.to(ScalarType.Float64).cpu(), allY = y.to(ScalarType.Float64).cpu();
        if (!(allX.isfinite().all().item<bool>() && allY.isfinite().all().item<bool>()))
            throw new ArgumentException("Expected finite numbers", nameof(x));
        if (function.Complexity == 0) return Regress(0, 0);
        // A line is one whatever a and b are.
        if (function.Power == 1) return Regress(1, 0);

        var (px, py) = Points(allX, allY);
        double a = 0, b = 0, halfA = range, halfB = range;
        for (var round = 0; round < rounds; round++)
        {
            using var inner = NewDisposeScope();
            Tensor allA = linspace(a - halfA, a + halfA, Cells, ScalarType.Float64), allB = linspace(b - halfB, b + halfB, Cells, ScalarType.Float64);
            var best = Correlation(function.Apply(px * allA.unsqueeze(-1).unsqueeze(-1) + allB.unsqueeze(-1)), py).flatten().argmax().item<long>();
            (a, b) = (allA[best / Cells].item<double>(), allB[best % Cells].item<double>());
            (halfA, halfB) = (2 * halfA / (Cells - 1), 2 * halfB / (Cells - 1));
        }
        return Regress(a, b);

        SymbolicEdge Regress(double a, double b)
        {
            var f = function.Apply(allX * a + b);
            Tensor meanF = f.mean(), meanY = allY.mean(), df = f - meanF, dy = allY - meanY;
            double variance = df.square().sum().item<double>(), total = dy.square().sum().item<double>();
            var c = variance > 0 && double.IsFinite(variance) ? (df * dy).sum().item<double>() / variance : 0;
            var d = c == 0 ? meanY.item<double>() : (meanY - meanF * c).item<double>();
            var left = c == 0 ? total : (dy - df * c).square().sum().item<double>();
            return new SymbolicEdge(function, a, b, c, d, total > 0 ? Math.Max(0, 1 - left / total) : 1);
        }
    }

    /// <summary>Functions that a curve may be, the best guess first.</summary>
    /// <param name="x">Where the curve is known, (N).</param>
    /// <param name="y">Its values, (N).</param>
    /// <param name="library">The functions; null: all of <see cref="SymbolicLibrary"/>.</param>
    /// <param name="simplicity">See <see cref="Score"/>.</param>
    /// <exception cref="ArgumentException">See <see cref="Fit"/>.</exception>
    public static IReadOnlyList<SymbolicEdge> Suggest(Tensor x, Tensor y, IEnumerable<SymbolicFunction>? library = null, double simplicity = 0.8) =>
        [.. (library ?? SymbolicLibrary.All).Select(f => Fit(x, y, f)).OrderBy(e => e.Score(simplicity))];

    // Evenly out of the sorted ones.
    private static (Tensor X, Tensor Y) Points(Tensor x, Tensor y)
    {
        if (x.shape[0] <= MostPoints) return (x, y);
        var (sorted, order) = x.sort(0);
        var at = linspace(0, x.shape[0] - 1, MostPoints, ScalarType.Float64).round().to(ScalarType.Int64);
        return (sorted.index_select(0, at), y.index_select(0, order.index_select(0, at)));
    }

    // Squared; −1 where the function isn't defined at all points.
    private static Tensor Correlation(Tensor f, Tensor y)
    {
        Tensor df = f - f.mean([-1], keepdim: true), dy = y - y.mean();
        var r2 = (df * dy).sum(-1).square() / (df.square().sum(-1) * dy.square().sum() + 1e-300);
        return where(r2.isfinite(), r2, full_like(r2, -1));
    }
}
