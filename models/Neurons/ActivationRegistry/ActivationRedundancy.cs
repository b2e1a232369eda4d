using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Which activations are the same function at their default parameters, and which are the same shape.</summary>
/// <remarks>Source: Kunc and Kléma 2024 say that many have been found several times; the criterion is ours. Compared on
/// <see cref="Points"/> points of [−6, 6].</remarks>
public static class ActivationRedundancy
{
    /// <summary>How many points are compared.</summary>
    public const int Points = 2401;

    private const double Range = 6, SameValue = 1e-6, SameShape = 1e-5;

    /// <summary>Those that are finite at all points: the others can't be compared. Of the whole registry they are 400 of the 402 of single
    /// numbers.</summary>
    /// <param name="names">Names of activations of single numbers.</param>
    /// <exception cref="KeyNotFoundException">There is no activation of a name.</exception>
    /// <exception cref="ArgumentException">One isn't of single numbers.</exception>
    public static IReadOnlyList<string> Comparable(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return [.. Curves(names).Select(c => c.Name)];
    }

    /// <summary>The groups of two and more activations that are the same. Those that aren't finite at all points are in none.</summary>
    /// <param name="names">Names of activations of single numbers.</param>
    /// <param name="upToAffine">False: values must agree within 10⁻⁶ of the largest (or of 1). True: the curves must agree within 10⁻⁵
    /// once they have mean 0 and root mean square 1, as they are, upside down or from right to left.</param>
    /// <returns>The groups, each in the order of the names, by their first members.</returns>
    /// <exception cref="KeyNotFoundException">There is no activation of a name.</exception>
    /// <exception cref="ArgumentException">One isn't of single numbers.</exception>
    public static IReadOnlyList<IReadOnlyList<string>> Groups(IEnumerable<string> names, bool upToAffine)
    {
        ArgumentNullException.ThrowIfNull(names);
        var curves = Curves(names);
        double[][] values = [.. curves.Select(c => upToAffine ? Standardised(c.Values) : c.Values)];
        double[][] reversed = upToAffine ? [.. values.Select(v => v.Reverse().ToArray())] : [];
        double[] tolerance = [.. values.Select(v => upToAffine ? SameShape : SameValue * Math.Max(1, v.Max(Math.Abs)))];
        var parent = Enumerable.Range(0, curves.Count).ToArray();
        int Root(int i)
        {
            while (parent[i] != i) i = parent[i] = parent[parent[i]];
            return i;
        }
        for (var i = 0; i < curves.Count; i++)
            for (var j = i + 1; j < curves.Count; j++)
            {
                var (low, high) = (Math.Min(Root(i), Root(j)), Math.Max(Root(i), Root(j)));
                if (low == high) continue;
                var same = Agree(values[i], values[j], 1, tolerance[i]) || upToAffine && (Agree(values[i], values[j], -1, tolerance[i])
                    || Agree(values[i], reversed[j], 1, tolerance[i]) || Agree(values[i], reversed[j], -1, tolerance[i]));
                if (same) parent[high] = low;
            }
        return [.. Enumerable.Range(0, curves.Count).GroupBy(Root).Where(g => g.Count() > 1)
            .Select(g => (IReadOnlyList<string>)[.. g.Select(i => curves[i].Name)])];
    }

    private static bool Agree(double[] a, double[] b, int sign, double tolerance)
    {
        for (var i = 0; i < a.Length; i++)
            if (!(Math.Abs(a[i] - sign * b[i]) < tolerance)) return false;
        return true;
    }

    private static double[] Standardised(double[] values)
    {
        var mean = values.Average();
        var size = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        return [.. values.Select(v => (v - mean) / size)];
    }

    private static List<(string Name, double[] Values)> Curves(IEnumerable<string> names)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        // Exactly −1, too, where a pole may be.
        var x = tensor([.. Enumerable.Range(0, Points).Select(i => Range * (2 * i - Points + 1) / (Points - 1))], ScalarType.Float64);
        var curves = new List<(string, double[])>();
        foreach (var name in names)
        {
            using var inner = NewDisposeScope();
            var spec = ActivationRegistry.Get(name);
            if (spec.Kind != ActivationKind.Pointwise)
                throw new ArgumentException($"Expected activations of single numbers, got {name}", nameof(names));
            double[] values = [.. spec.Evaluate(x).data<double>()];
            if (values.All(double.IsFinite)) curves.Add((name, values));
        }
        return curves;
    }
}
