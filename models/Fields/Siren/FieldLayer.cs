using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>A dense layer of a coordinate network: a linear map and an activation. (…, in) → (…, out).</summary>
/// <remarks>State names: <c>0.weight</c> (out, in), <c>0.bias</c> (out).</remarks>
public abstract class FieldLayer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly Linear _linear;

    /// <summary>A layer with the framework's default weights.</summary>
    /// <exception cref="ArgumentException">A width isn't positive.</exception>
    private protected FieldLayer(string name, long inFeatures, long outFeatures, bool bias) : base(name)
    {
        Require.Positive(inFeatures, nameof(inFeatures));
        Require.Positive(outFeatures, nameof(outFeatures));
        (InFeatures, OutFeatures) = (inFeatures, outFeatures);
        _linear = Linear(inFeatures, outFeatures, bias);
        RegisterComponents();
    }

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; }

    /// <summary>The linear map (out, in).</summary>
    public Parameter Weight => _linear.weight!;

    /// <summary>Its bias (out), if there is one.</summary>
    public Parameter? Bias => _linear.bias;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't <see cref="InFeatures"/>.</exception>
    public override Tensor forward(Tensor x)
    {
        Require.LastAxis(x, InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        return Activate(PreActivation(x)).MoveToOuterDisposeScope();
    }

    /// <summary>The layer with other weights, of this layer's shapes or with a batch axis in front: (batch, points, in) →
    /// (batch, points, out), with a weight set for each batch item.</summary>
    /// <param name="x">(…, in)</param>
    /// <param name="weight">(out, in) or (batch, out, in)</param>
    /// <param name="bias">(out) or (batch, out)</param>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor ForwardWith(Tensor x, Tensor weight, Tensor? bias)
    {
        Require.LastAxis(x, InFeatures, nameof(x));
        Require.Weights(weight, [OutFeatures, InFeatures], nameof(weight));
        if (bias is not null) Require.Weights(bias, [OutFeatures], nameof(bias));
        if (weight.dim() == 3 && (x.dim() != 3 || (x.shape[0] != weight.shape[0] && x.shape[0] != 1 && weight.shape[0] != 1)))
            throw new ArgumentException($"Expected ({weight.shape[0]}, points, {InFeatures}), got ({Require.Text(x)})", nameof(x));
        using var scope = NewDisposeScope();
        var z = matmul(x, weight.transpose(-1, -2));
        if (bias is not null) z = z + (bias.dim() == 2 ? bias.unsqueeze(-2) : bias);
        return Activate(Scale(z)).MoveToOuterDisposeScope();
    }

    /// <summary>What the activation is applied to.</summary>
    internal Tensor PreActivation(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Scale(functional.linear(x, Weight, Bias)).MoveToOuterDisposeScope();
    }

    /// <summary>From the linear map's output to what the activation is applied to.</summary>
    private protected virtual Tensor Scale(Tensor z) => z;

    internal abstract Tensor Activate(Tensor z);
}
