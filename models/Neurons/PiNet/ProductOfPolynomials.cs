using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>Polynomials one after the other, each of what the one before gives: a polynomial whose degree is the product of theirs.
/// (…, in of the first) → (…, out of the last). State names: <c>polynomials.{i}.*</c>.</summary>
/// <remarks>Source: Chrysos et al. 2020, section 3.3.</remarks>
public sealed class ProductOfPolynomials : Module<Tensor, Tensor>
{
    private readonly ModuleList<PolynomialNet> polynomials;

    /// <summary>Puts polynomials one after the other; they are owned from then on.</summary>
    /// <param name="polynomials">The polynomials, from input to output.</param>
    /// <exception cref="ArgumentException">There is none, or one doesn't take what the one before gives.</exception>
    public ProductOfPolynomials(params IReadOnlyList<PolynomialNet> polynomials) : base(nameof(ProductOfPolynomials))
    {
        ArgumentNullException.ThrowIfNull(polynomials);
        if (polynomials.Count == 0) throw new ArgumentException("Expected at least one polynomial", nameof(polynomials));
        foreach (var (first, next) in polynomials.Zip(polynomials.Skip(1)))
            if (first.OutFeatures != next.InFeatures)
                throw new ArgumentException($"Expected a polynomial of {first.OutFeatures} numbers, got one of {next.InFeatures}",
                    nameof(polynomials));
        this.polynomials = new ModuleList<PolynomialNet>([.. polynomials]);
        Degree = polynomials.Aggregate(1L, (d, p) => checked(d * p.Degree));
        RegisterComponents();
    }

    /// <summary>The product of the polynomials' degrees.</summary>
    public long Degree { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor z)
    {
        using var scope = NewDisposeScope();
        foreach (var polynomial in polynomials) z = polynomial.call(z);
        return z.MoveToOuterDisposeScope();
    }
}
