using System.Globalization;
using TorchSharp.Modules;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The polynomial that a network is, or is close to where it was looked at: its activations are polynomials, or are replaced by
/// such, and all layers are multiplied out. Float64.</summary>
/// <remarks>Source: Cheng et al. 2018, section 3: with L activations of degree d its degree is d^L.</remarks>
public sealed class NetworkPolynomial
{
    private const int MaximumTerms = 200_000;
    // Nodes of the fits: more than degrees, so that these are fits and no interpolations.
    private const int Nodes = 64;

    private readonly string[] _exponents;
    private readonly double[,] _coefficients;

    private NetworkPolynomial(long inFeatures, Dictionary<string, double>[] outputs)
    {
        InFeatures = inFeatures;
        _exponents = [.. outputs.SelectMany(o => o.Where(t => t.Value != 0).Select(t => t.Key)).Distinct()
            .OrderBy(Total).ThenByDescending(e => e, StringComparer.Ordinal)];
        _coefficients = new double[_exponents.Length, outputs.Length];
        for (var t = 0; t < _exponents.Length; t++)
            for (var o = 0; o < outputs.Length; o++) _coefficients[t, o] = outputs[o].GetValueOrDefault(_exponents[t]);
    }

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers out.</summary>
    public int OutFeatures => _coefficients.GetLength(1);

    /// <summary>The highest total degree of a term.</summary>
    public int Degree => _exponents.Length == 0 ? 0 : _exponents.Max(Total);

    /// <summary>Each term's exponents: constants first, then by total degree and lexicographically.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Exponents => [.. _exponents.Select(e => (IReadOnlyList<int>)[.. e.Select(c => (int)c)])];

    /// <summary>Each term's coefficients, (terms, outputs).</summary>
    public double[,] Coefficients => (double[,])_coefficients.Clone();

    /// <summary>The polynomial of a network with polynomial activations.</summary>
    /// <param name="network">Linear layers and <see cref="PolynomialActivation"/>s, one after the other.</param>
    /// <exception cref="ArgumentException">There is another module, or there are too many terms.</exception>
    public static NetworkPolynomial Exact(Sequential network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Compose(network, int.MaxValue, (module, _, _) => module is PolynomialActivation polynomial
            ? (polynomial.Coefficients, 0, 1)
            : throw new ArgumentException($"Expected linear layers and polynomial activations, got {module.GetName()}", nameof(network)));
    }

    /// <summary>A polynomial close to a network with other activations: for each unit the activation is replaced by its least-squares
    /// polynomial at Chebyshev nodes over the range of what the unit got from some samples. Outside of these ranges it is close to
    /// nothing.</summary>
    /// <param name="network">Linear layers and elementwise activations, one after the other.</param>
    /// <param name="samples">(n ≥ 1, in)</param>
    /// <param name="degree">Degree of the activations' polynomials, 1 to 20.</param>
    /// <param name="maxDegree">Terms of a higher total degree are left out; null: none are.</param>
    /// <exception cref="ArgumentException">The network has no linear layer, samples don't fit, a degree is out of its range, or there are
    /// too many terms.</exception>
    public static NetworkPolynomial Approximate(Sequential network, Tensor samples, int degree, int? maxDegree = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.dim() != 2 || samples.shape[0] == 0)
            throw new ArgumentException($"Expected (n ≥ 1, in), got ({string.Join(", ", samples.shape)})", nameof(samples));
        if (degree is < 1 or > 20) throw new ArgumentOutOfRangeException(nameof(degree), degree, "Expected 1 to 20");
        if (maxDegree is < 1) throw new ArgumentOutOfRangeException(nameof(maxDegree), maxDegree, "Expected 1 at least");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        // What each module got from the samples.
        var inputs = new Dictionary<nn.Module, Tensor>();
        var x = samples;
        foreach (var module in network.children().Cast<nn.Module<Tensor, Tensor>>())
        {
            inputs[module] = x;
            x = module.call(x);
        }
        double[] nodes = [.. Enumerable.Range(0, Nodes).Select(k => Math.Cos((k + 0.5) * Math.PI / Nodes))];
        var powers = tensor(nodes.SelectMany(t => Enumerable.Range(0, degree + 1).Select(k => Math.Pow(t, k))).ToArray(),
            [Nodes, degree + 1]);
        return Compose(network, maxDegree ?? int.MaxValue, Fit);

        (IReadOnlyList<double> Coefficients, double Middle, double Half) Fit(nn.Module module, int unit, int units)
        {
            using var inner = NewDisposeScope();
            var taken = inputs[module].select(1, unit).to(ScalarType.Float64);
            double low = taken.min().item<double>(), high = taken.max().item<double>();
            var (middle, half) = ((low + high) / 2, Math.Max((high - low) / 2, 1e-6));
            // Activations are elementwise, but some have a parameter a unit: every unit gets the nodes.
            var z = (tensor(nodes) * half + middle).unsqueeze(1).expand(Nodes, units).to(samples.dtype).to(samples.device);
            var values = ((nn.Module<Tensor, Tensor>)module).call(z).select(1, unit).to(ScalarType.Float64).cpu().unsqueeze(1);
            return (LeastSquares.Solve(powers, values).squeeze(1).data<double>().ToArray(), middle, half);
        }
    }

    /// <summary>The polynomial's values.</summary>
    /// <param name="x">(…, <see cref="InFeatures"/>)</param>
    /// <returns>(…, <see cref="OutFeatures"/>), float64.</returns>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public Tensor Evaluate(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float64);
        if (_exponents.Length == 0)
            return zeros([.. x.shape[..^1], OutFeatures], ScalarType.Float64, x.device).MoveToOuterDisposeScope();
        var terms = ones([.. x.shape[..^1], _exponents.Length], ScalarType.Float64, x.device);
        for (var j = 0; j < InFeatures; j++)
        {
            if (_exponents.All(e => e[j] == 0)) continue;
            var exponents = tensor(_exponents.Select(e => (double)e[j]).ToArray(), device: x.device);
            terms = terms * wide.narrow(-1, j, 1).pow(exponents);
        }
        return terms.matmul(tensor(_coefficients, device: x.device)).MoveToOuterDisposeScope();
    }

    /// <summary>The terms with the largest coefficients.</summary>
    /// <param name="top">How many at most.</param>
    /// <param name="output">Of which output.</param>
    /// <returns>Names (<c>x0^2 x3</c>, <c>1</c>) and coefficients, largest absolute values first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such output.</exception>
    public IReadOnlyList<(string Name, double Coefficient)> Terms(int top, int output = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        if (output < 0 || output >= OutFeatures)
            throw new ArgumentOutOfRangeException(nameof(output), output, $"There are {OutFeatures} outputs");
        return [.. _exponents.Select((e, t) => (Name(e), _coefficients[t, output])).Where(t => t.Item2 != 0)
            .OrderByDescending(t => Math.Abs(t.Item2)).Take(top)];

        static string Name(string exponents)
        {
            string[] factors = [.. exponents.Select((e, j) => (int)e switch
            {
                0 => "",
                1 => string.Create(CultureInfo.InvariantCulture, $"x{j}"),
                _ => string.Create(CultureInfo.InvariantCulture, $"x{j}^{(int)e}"),
            }).Where(f => f.Length > 0)];
            return factors.Length == 0 ? "1" : string.Join(' ', factors);
        }
    }

    // Exponents are the characters of a string, a key that compares by value.
    private static int Total(string exponents) => exponents.Sum(c => c);

    private static NetworkPolynomial Compose(Sequential network, int maxDegree,
        Func<nn.Module, int, int, (IReadOnlyList<double> Coefficients, double Middle, double Half)> activation)
    {
        Dictionary<string, double>[]? units = null;
        var inFeatures = 0L;
        foreach (var module in network.children())
        {
            if (module is Linear linear) units = Combine(linear, units ?? Inputs(inFeatures = linear.weight!.shape[1]), nameof(network));
            else if (units is null) throw new ArgumentException("Expected a linear layer first", nameof(network));
            else units = [.. units.Select((unit, i) =>
            {
                var (coefficients, middle, half) = activation(module, i, units.Length);
                return Horner(unit, coefficients, middle, half, maxDegree);
            })];
        }
        return new NetworkPolynomial(inFeatures, units ?? throw new ArgumentException("Expected a linear layer", nameof(network)));
    }

    private static Dictionary<string, double>[] Inputs(long count) => [.. Enumerable.Range(0, (int)count).Select(j =>
    {
        var exponents = new char[count];
        exponents[j] = (char)1;
        return new Dictionary<string, double>(StringComparer.Ordinal) { [new string(exponents)] = 1 };
    })];

    private static Dictionary<string, double>[] Combine(Linear layer, Dictionary<string, double>[] units, string parameter)
    {
        if (layer.weight!.shape[1] != units.Length)
            throw new ArgumentException($"A linear layer takes {layer.weight.shape[1]} numbers, the one before gives {units.Length}",
                parameter);
        using var scope = NewDisposeScope();
        var weight = layer.weight.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        var bias = layer.bias?.detach().to(ScalarType.Float64).cpu().data<double>().ToArray();
        var constant = new string('\0', units.SelectMany(u => u.Keys).First().Length);
        return [.. Enumerable.Range(0, weight.Length / units.Length).Select(o =>
        {
            var sum = new Dictionary<string, double>(StringComparer.Ordinal) { [constant] = bias?[o] ?? 0 };
            for (var i = 0; i < units.Length; i++) Add(sum, units[i], weight[o * units.Length + i]);
            return sum;
        })];
    }

    // Σ c_k t^k of t = (z − middle) / half.
    private static Dictionary<string, double> Horner(Dictionary<string, double> z, IReadOnlyList<double> coefficients, double middle,
        double half, int maxDegree)
    {
        var constant = new string('\0', z.Keys.First().Length);
        var t = z.ToDictionary(e => e.Key, e => e.Value / half, StringComparer.Ordinal);
        t[constant] = t.GetValueOrDefault(constant) - middle / half;
        var result = new Dictionary<string, double>(StringComparer.Ordinal) { [constant] = coefficients[^1] };
        foreach (var c in coefficients.Reverse().Skip(1))
        {
            result = Multiply(result, t, maxDegree);
            result[constant] = result.GetValueOrDefault(constant) + c;
        }
        return result;
    }

    private static void Add(Dictionary<string, double> sum, Dictionary<string, double> term, double factor)
    {
        foreach (var (exponents, coefficient) in term) sum[exponents] = sum.GetValueOrDefault(exponents) + factor * coefficient;
    }

    private static Dictionary<string, double> Multiply(Dictionary<string, double> a, Dictionary<string, double> b, int maxDegree)
    {
        var product = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (left, p) in a)
            foreach (var (right, q) in b)
            {
                if (p * q == 0 || Total(left) + Total(right) > maxDegree) continue;
                var exponents = string.Create(left.Length, (left, right), static (characters, pair) =>
                {
                    for (var j = 0; j < characters.Length; j++) characters[j] = (char)(pair.left[j] + pair.right[j]);
                });
                product[exponents] = product.GetValueOrDefault(exponents) + p * q;
                if (product.Count > MaximumTerms)
                    throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                        $"The polynomial has more than {MaximumTerms:N0} terms: take a smaller network or a lower degree"), "network");
            }
        return product;
    }
}
