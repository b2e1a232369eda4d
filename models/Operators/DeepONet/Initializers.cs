using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Initialisations by the names that DeepXDE gives them. All but two scale a distribution's variance by the widths of the layer, and
/// <c>"stacked …"</c> normals are truncated at two standard deviations and rescaled to keep the variance, as its stacked networks have it.
/// </summary>
public static class Initializers
{
    private delegate void Fill(Tensor weight, long fanIn, long fanOut);

    private const double Truncation = 2;
    private const double TruncatedDeviation = 0.87962566103423978; // of a unit normal, truncated at 2

    private static readonly Dictionary<string, Fill> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Glorot normal"] = (w, i, o) => Normal(w, 2.0 / (i + o)),
        ["Glorot uniform"] = (w, i, o) => Uniform(w, 2.0 / (i + o)),
        ["He normal"] = (w, i, _) => Normal(w, 2.0 / i),
        ["He uniform"] = (w, i, _) => Uniform(w, 2.0 / i),
        ["LeCun normal"] = (w, i, _) => Normal(w, 1.0 / i),
        ["LeCun uniform"] = (w, i, _) => Uniform(w, 1.0 / i),
        ["Orthogonal"] = (w, _, _) => Orthogonal(w),
        ["stacked He normal"] = (w, i, _) => TruncatedNormal(w, 2.0 / i),
        ["stacked He uniform"] = (w, i, _) => Uniform(w, 2.0 / i),
        ["stacked LeCun normal"] = (w, i, _) => TruncatedNormal(w, 1.0 / i),
        ["stacked LeCun uniform"] = (w, i, _) => Uniform(w, 1.0 / i),
        ["zeros"] = (w, _, _) => w.zero_(),
    };

    /// <summary>All names, in order. Upper and lower case are the same.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Fills a new weight, drawing from the global random generator of its device.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="weight">(…, rows, columns), a matrix or a stack of them that are filled alike.</param>
    /// <param name="fanIn">Features that go into a layer.</param>
    /// <param name="fanOut">Features that come out.</param>
    /// <exception cref="ArgumentException">There is no initialisation of that name; the message lists the names.</exception>
    public static void Apply(string name, Tensor weight, long fanIn, long fanOut)
    {
        var fill = Named(name, nameof(name));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        fill(weight, fanIn, fanOut);
    }

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    internal static void Check(string name, string parameter) => Named(name, parameter);

    /// <summary>The rule for a stack of nets: that name's, and of He's and LeCun's normal the truncated form.</summary>
    internal static string Stacked(string name) => ByName.ContainsKey($"stacked {name}") ? $"stacked {name}" : name;

    private static Fill Named(string name, string parameter) =>
        name is not null && ByName.TryGetValue(name, out var fill)
            ? fill
            : throw new ArgumentException($"Unknown initialisation '{name}'; expected one of {string.Join(", ", Names)}", parameter);

    private static void Normal(Tensor weight, double variance) => weight.normal_(0, Math.Sqrt(variance));

    private static void Uniform(Tensor weight, double variance) => weight.uniform_(-Math.Sqrt(3 * variance), Math.Sqrt(3 * variance));

    // By the inverse of the normal distribution function.
    private static void TruncatedNormal(Tensor weight, double variance)
    {
        const double mass = 0.95449973610364158; // erf(2/√2): what a normal has within the truncation
        var deviation = Math.Sqrt(variance) / TruncatedDeviation;
        weight.uniform_(-mass, mass).erfinv_().mul_(deviation * Math.Sqrt(2)).clamp_(-Truncation * deviation, Truncation * deviation);
    }

    private static void Orthogonal(Tensor weight)
    {
        foreach (var matrix in weight.reshape(-1, weight.shape[^2], weight.shape[^1]).unbind(0)) nn.init.orthogonal_(matrix);
    }
}
