using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The neural arithmetic logic unit (NALU): sums a (NAC) and products m (NAC•) of its inputs, and a gate g that chooses: y = g ⊙ a + (1
/// − g) ⊙ m,
/// g = σ(x Gᵀ). As published both paths share their weights. (…, in) → (…, out), and with members (members, …, in) → (members, …, out).
/// </summary>
/// <remarks>Source: Trask et al. 2018, section 3, equations 1 and 2. State names: <c>G</c>, <c>nac.W_hat</c>, <c>nac.M_hat</c>; with the
/// options <c>nac_mul.W_hat</c>, <c>nac_mul.M_hat</c>, <c>G_mul</c>, <c>bias</c>.</remarks>
public sealed class NeuralArithmeticLogicUnit : Module<Tensor, Tensor>
{
    [ComponentName(Name = "nac")]
    private readonly NeuralAccumulator _nac;
    [ComponentName(Name = "nac_mul")]
    private readonly NeuralAccumulator? _mulNac;
    private readonly ProductPath _product;

    /// <summary>A unit with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="eps">ε of the logarithm.</param>
    /// <param name="twoNac">Whether products have weights of their own.</param>
    /// <param name="twoGate">Whether products have a gate of their own, in place of 1 − g.</param>
    /// <param name="gateBias">Whether gates have a bias (the same for both).</param>
    /// <param name="mul">How products are made.</param>
    /// <param name="init">How the weights begin.</param>
    /// <param name="logClamp">Largest exponent of a product.</param>
    /// <param name="members">Independent units side by side; null: one.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NeuralArithmeticLogicUnit(long inFeatures, long outFeatures, double eps = 1e-7, bool twoNac = false, bool twoGate = false,
        bool gateBias = false, NaluMulMode mul = NaluMulMode.Normal, NacInit init = NacInit.Kaiming, double logClamp = 20,
        long? members = null, Generator? generator = null) : base(nameof(NeuralArithmeticLogicUnit))
    {
        _product = new ProductPath(mul, eps, logClamp);
        _product.Validate();
        _nac = new NeuralAccumulator(inFeatures, outFeatures, init, members, generator);
        if (twoNac) _mulNac = new NeuralAccumulator(inFeatures, outFeatures, init, members, generator);
        RegisterComponents();
        var radius = NacInitialization.GateRadius(init, inFeatures, outFeatures);
        register_parameter("G", Gate());
        if (twoGate) register_parameter("G_mul", Gate());
        if (gateBias) register_parameter("bias", new Parameter(zeros(Ensemble.Shape(members, outFeatures))));

        Parameter Gate() => NacInitialization.Uniform(radius, generator, Ensemble.Shape(members, outFeatures, inFeatures));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public override Tensor forward(Tensor x)
    {
        _nac.Check(x);
        return Ensemble.InFullPrecision(x, wide =>
        {
            var (add, mul, gate) = Compute(wide);
            return get_parameter("G_mul") is null ? mul.lerp(add, gate) : add * gate + mul * GateOf(wide, "G_mul");
        });
    }

    /// <summary>Both paths and the gate, before they are joined: where each output comes from.</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>a, m and g, (…, out) each, in float32 at least. The caller disposes of them.</returns>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public (Tensor Add, Tensor Mul, Tensor Gate) Parts(Tensor x)
    {
        _nac.Check(x);
        using var scope = NewDisposeScope();
        using var off = Autocast.Disable(x.device);
        var (add, mul, gate) = Compute(Autocast.ToFullPrecision(x));
        return (add.MoveToOuterDisposeScope(), mul.MoveToOuterDisposeScope(), gate.MoveToOuterDisposeScope());
    }

    private (Tensor Add, Tensor Mul, Tensor Gate) Compute(Tensor x)
    {
        var weight = _nac.Weight;
        return (Ensemble.Linear(x, weight), _product.Apply(x, _mulNac?.Weight ?? weight), GateOf(x, "G"));
    }

    private Tensor GateOf(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        var z = Ensemble.Linear(x, Autocast.ToFullPrecision(get_parameter(name)!));
        if (get_parameter("bias") is { } bias)
            z = z + Autocast.ToFullPrecision(bias.dim() == 1 ? bias : Ensemble.Spread(bias.unsqueeze(1), x).squeeze(-2));
        return z.sigmoid().MoveToOuterDisposeScope();
    }
}
