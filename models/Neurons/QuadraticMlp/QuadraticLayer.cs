using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A layer of quadratic neurons: y = r(x) ⊙ g(x) + b(x ⊙ x), or r(x) + b(x ⊙ x) if it is compact, where r, g and b are linear layers or
/// convolutions of the same form, each with a bias. An activation comes after it. State names: <c>r.weight</c>, <c>r.bias</c>,
/// <c>g.weight</c>, …
/// </summary>
/// <remarks>Source: Fan et al. 2021, section II; initial values: algorithm 1 (ReLinear).</remarks>
public abstract class QuadraticLayer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "r")]
    private readonly Module<Tensor, Tensor> _r;
    [ComponentName(Name = "g")]
    private readonly Module<Tensor, Tensor>? _g;
    [ComponentName(Name = "b")]
    private readonly Module<Tensor, Tensor> _b;

    private protected QuadraticLayer(string name, QuadraticNeuronKind kind, QuadraticInit init, Generator? generator,
        Func<Module<Tensor, Tensor>> part) : base(name)
    {
        if (!Enum.IsDefined(kind)) throw new ArgumentOutOfRangeException(nameof(kind), kind, "is no kind of neuron");
        if (!Enum.IsDefined(init)) throw new ArgumentOutOfRangeException(nameof(init), init, "is no way to begin");
        Kind = kind;
        register_module("r", _r = Filled(part(), random: true, bias: 0));
        if (kind == QuadraticNeuronKind.Full)
            register_module("g", _g = Filled(part(), init == QuadraticInit.Kaiming, bias: init == QuadraticInit.ReLinear ? 1 : 0));
        register_module("b", _b = Filled(part(), init == QuadraticInit.Kaiming, bias: 0));

        Module<Tensor, Tensor> Filled(Module<Tensor, Tensor> layer, bool random, double bias)
        {
            using var off = no_grad();
            var (weight, offset) = Parameters(layer);
            if (random) weight.normal_(0, Math.Sqrt(2.0 * weight.shape[0] / weight.numel()), generator);
            else weight.zero_();
            offset.fill_(bias);
            return layer;
        }
    }

    /// <summary>What its neurons compute.</summary>
    public QuadraticNeuronKind Kind { get; }

    /// <summary>w^r and b^r, the ordinary part.</summary>
    internal (Parameter Weight, Parameter Bias) Ordinary => Parameters(_r);

    /// <summary>w^g and b^g; null: the layer is compact.</summary>
    internal (Parameter Weight, Parameter Bias)? Gate => _g is null ? null : Parameters(_g);

    /// <summary>w^b and b^b.</summary>
    internal (Parameter Weight, Parameter Bias) Square => Parameters(_b);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        var linear = _r.call(x);
        if (_g is not null) linear = linear * _g.call(x);
        return (linear + _b.call(x.square())).MoveToOuterDisposeScope();
    }

    private protected abstract void Check(Tensor x);

    private static (Parameter Weight, Parameter Bias) Parameters(Module<Tensor, Tensor> layer) =>
        (layer.get_parameter("weight")!, layer.get_parameter("bias")!);
}
