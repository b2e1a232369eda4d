using System.Globalization;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// All monomials Π x_j^e_j of some columns, 1 ≤ Σ e_j ≤ degree, by total degree and then in lexicographic order: a, b, a², ab, b². There is
/// no column of ones.
/// </summary>
/// <remarks>Source: Cheng et al. 2018, section 4 (package polyreg: <c>getPoly</c>); order and counts are scikit-learn's
/// <c>PolynomialFeatures</c>.</remarks>
public sealed class PolynomialFeatures
{
    /// <summary>More columns than these are refused.</summary>
    public const long MaximumCount = 2_000_000;

    private readonly int[][] _monomials;
    // Of each degree: where the monomial without its last factor is among those of the degree before, and its last factor.
    private readonly List<(long[] Parents, long[] Factors)> _steps = [];

    /// <summary>The monomials of some columns.</summary>
    /// <param name="inFeatures">Columns, ≥ 1.</param>
    /// <param name="degree">The highest total degree, ≥ 1.</param>
    /// <param name="interactionDegree">The most distinct columns in a monomial, 1 to <paramref name="degree"/>; null: as many.</param>
    /// <param name="isDummy">Which columns are 0 or 1, so that their powers would be themselves; null: none.</param>
    /// <param name="groups">Number of the categorical column each dummy comes from: products of two of one are always 0 and are left out.
    /// Negative, or null: of none.</param>
    /// <exception cref="ArgumentException">A number is out of its range, a list has another length, or there are more than
    /// <see cref="MaximumCount"/> monomials.</exception>
    public PolynomialFeatures(long inFeatures, int degree = 2, int? interactionDegree = null, IReadOnlyList<bool>? isDummy = null,
        IReadOnlyList<int>? groups = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfLessThan(degree, 1);
        if (interactionDegree is { } i && (i < 1 || i > degree))
            throw new ArgumentOutOfRangeException(nameof(interactionDegree), i, $"Expected 1 to the degree, {degree}");
        if (isDummy is not null && isDummy.Count != inFeatures)
            throw new ArgumentException($"Expected {inFeatures} values, got {isDummy.Count}", nameof(isDummy));
        if (groups is not null && groups.Count != inFeatures)
            throw new ArgumentException($"Expected {inFeatures} values, got {groups.Count}", nameof(groups));
        (InFeatures, Degree, InteractionDegree) = (inFeatures, degree, interactionDegree ?? degree);
        var most = CountWithoutDummies(inFeatures, degree, InteractionDegree);
        if (most > MaximumCount)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"{inFeatures} columns have {most:N0} monomials to degree {degree}, at most {MaximumCount:N0} are possible: ")
                + "take fewer columns (principal components), a lower degree or an interaction degree", nameof(degree));
        _monomials = [.. Enumerate(isDummy, groups)];
    }

    /// <summary>Columns in.</summary>
    public long InFeatures { get; }

    /// <summary>The highest total degree.</summary>
    public int Degree { get; }

    /// <summary>The most distinct columns in a monomial.</summary>
    public int InteractionDegree { get; }

    /// <summary>Columns out.</summary>
    public long Count => _monomials.Length;

    /// <summary>Each monomial's name, <c>x0^2 x3</c>.</summary>
    public IReadOnlyList<string> Names => NamesOf(null);

    /// <summary>Each monomial's name.</summary>
    /// <param name="columns">Names of the columns; null: x0, x1, …</param>
    /// <exception cref="ArgumentException">There aren't as many names as columns.</exception>
    public IReadOnlyList<string> NamesOf(IReadOnlyList<string>? columns)
    {
        if (columns is not null && columns.Count != InFeatures)
            throw new ArgumentException($"Expected {InFeatures} names, got {columns.Count}", nameof(columns));
        return [.. _monomials.Select(m => string.Join(' ', m.GroupBy(v => v).Select(Power)))];

        string Power(IGrouping<int, int> factors)
        {
            var name = columns?[factors.Key] ?? FormattableString.Invariant($"x{factors.Key}");
            return factors.Count() == 1 ? name : FormattableString.Invariant($"{name}^{factors.Count()}");
        }
    }

    /// <summary>Each monomial's exponents.</summary>
    /// <returns>(<see cref="Count"/>, <see cref="InFeatures"/>), int64.</returns>
    public Tensor Exponents()
    {
        var exponents = new long[Count * InFeatures];
        for (var row = 0; row < _monomials.Length; row++)
            foreach (var factor in _monomials[row]) exponents[row * InFeatures + factor]++;
        return tensor(exponents, [Count, InFeatures]);
    }

    /// <summary>The monomials' values.</summary>
    /// <param name="x">(…, <see cref="InFeatures"/>)</param>
    /// <returns>(…, <see cref="Count"/>), of x's type; differentiable.</returns>
    /// <exception cref="ArgumentException">The last axis isn't the number of columns.</exception>
    public Tensor Transform(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        // The first degree's monomials are the columns themselves; each of the next is one of the degree before times a column.
        var degrees = new List<Tensor> { x };
        foreach (var (parents, factors) in _steps)
            degrees.Add(Taken(degrees[^1], parents) * Taken(x, factors));
        return cat(degrees, -1).MoveToOuterDisposeScope();

        static Tensor Taken(Tensor from, long[] columns) => from.index_select(-1, tensor(columns, device: from.device));
    }

    /// <summary>How many monomials there are if no column is a dummy: C(p + D, D) − 1 if all may interact.</summary>
    private static double CountWithoutDummies(long p, int degree, int interaction)
    {
        var (count, columns, powers) = (0.0, 1.0, 1.0);
        // C(p, k) sets of k columns, C(D, k) ways to share out at most D among them.
        for (var k = 1; k <= Math.Min(interaction, p); k++)
        {
            columns *= (p - k + 1.0) / k;
            powers *= (degree - k + 1.0) / k;
            count += columns * powers;
        }
        return Math.Round(count);
    }

    private List<int[]> Enumerate(IReadOnlyList<bool>? isDummy, IReadOnlyList<int>? groups)
    {
        var all = new List<int[]>();
        List<int[]> last = [.. Enumerable.Range(0, (int)InFeatures).Select(v => new[] { v })];
        all.AddRange(last);
        for (var d = 2; d <= Degree; d++)
        {
            var (next, parents, factors) = (new List<int[]>(), new List<long>(), new List<long>());
            for (var parent = 0; parent < last.Count; parent++)
                for (var v = last[parent][^1]; v < InFeatures; v++)
                {
                    if (!Allowed(last[parent], v)) continue;
                    next.Add([.. last[parent], v]);
                    parents.Add(parent);
                    factors.Add(v);
                }
            if (next.Count == 0) break;
            _steps.Add(([.. parents], [.. factors]));
            all.AddRange(next);
            last = next;
        }
        return all;

        bool Allowed(int[] monomial, int v)
        {
            if (monomial.Contains(v)) return isDummy?[v] != true;
            if (monomial.Distinct().Count() >= InteractionDegree) return false;
            return groups is null || groups[v] < 0 || monomial.All(w => groups[w] != groups[v]);
        }
    }
}
