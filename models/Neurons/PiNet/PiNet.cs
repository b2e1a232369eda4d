using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A Π-net: a polynomial of its inputs, or a product of several (<see cref="ProductOfPolynomials"/>), without activations. (…, in) →
/// (…, out). Inputs should be at most about 1 in size: values grow with the degree. State names <c>polynomial.*</c>, those of
/// <see cref="CcpNet"/>, <see cref="NcpNet"/> or <see cref="NcpSkipNet"/>, with <c>polynomial.polynomials.{i}.*</c> if there are several.
/// </summary>
/// <remarks>Source: Choraria et al. 2022, section 2; Chrysos et al. 2020.</remarks>
[Paper("polynomial-networks", "The Spectral Bias of Polynomial Neural Networks", "2202.13473", 2022)]
[Model("polynomial-networks")]
public sealed class PiNet : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "polynomial")]
    private readonly Module<Tensor, Tensor> _polynomial;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public PiNet(PiNetConfig config, Generator? generator = null) : base(nameof(PiNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        Degree = Enumerable.Repeat((long)config.Degree, config.Polynomials).Aggregate(1L, (a, b) => checked(a * b));
        PolynomialNet[] all = [.. Enumerable.Range(0, config.Polynomials).Select(i => Create(
            i == 0 ? config.InFeatures : config.HiddenFeatures, i == config.Polynomials - 1 ? config.OutFeatures : config.HiddenFeatures))];
        _polynomial = all.Length == 1 ? all[0] : new ProductOfPolynomials(all);
        RegisterComponents();

        PolynomialNet Create(long from, long to) => config.Form switch
        {
            PolynomialForm.Ccp => new CcpNet(from, config.HiddenFeatures, config.Degree, to, generator),
            PolynomialForm.Ncp => new NcpNet(from, config.HiddenFeatures, config.Degree, to, generator),
            _ => new NcpSkipNet(from, config.HiddenFeatures, config.Degree, to, generator),
        };
    }

    /// <summary>What the network is made of.</summary>
    public PiNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The whole network's degree.</summary>
    public long Degree { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor z) => _polynomial.call(z);
}
