using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>One of a polynomial's sets of weights, by the number n of the step that they are for: <c>{n}.weight</c>, or <c>{n}</c> of
/// vectors.</summary>
internal sealed class PolynomialTerms : Module
{
    private readonly Dictionary<int, Linear> _maps = [];

    private PolynomialTerms(string name) : base(name)
    {
    }

    /// <summary>Maps without bias of N(0, σ²).</summary>
    public static PolynomialTerms Maps(string name, int first, int last, long from, long to, Func<int, double> sigma, Generator? generator)
    {
        var terms = new PolynomialTerms(name);
        using var off = no_grad();
        for (var n = first; n <= last; n++)
        {
            var map = Linear(from, to, hasBias: false);
            map.weight.normal_(0, sigma(n), generator);
            terms.register_module(FormattableString.Invariant($"{n}"), map);
            terms._maps.Add(n, map);
        }
        return terms;
    }

    /// <summary>Vectors of ones.</summary>
    public static PolynomialTerms Vectors(string name, int last, long length)
    {
        var terms = new PolynomialTerms(name);
        for (var n = 1; n <= last; n++) terms.register_parameter(FormattableString.Invariant($"{n}"), new Parameter(ones(length)));
        return terms;
    }

    public Tensor Map(int n, Tensor x) => _maps[n].call(x);

    public Tensor Vector(int n) => get_parameter(FormattableString.Invariant($"{n}"))!;
}
