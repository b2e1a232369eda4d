using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation of two inputs of one shape, such as GLU. As a layer of one input it takes halves of
/// <see cref="Activation.ChannelDim"/> for them.</summary>
public sealed class GatedActivation : Activation
{
    internal GatedActivation(ActivationSpec spec, ActivationSetup setup) : base(spec, setup)
    {
    }

    /// <summary>Two inputs to one output.</summary>
    /// <param name="x">First input.</param>
    /// <param name="y">Second input, mostly the gate, of x's shape.</param>
    /// <exception cref="ArgumentException">An input isn't of floating point, or the shapes don't fit.</exception>
    public Tensor forward(Tensor x, Tensor y)
    {
        Check(x);
        Check(y, nameof(y));
        Kernels.Expect.Shape(y, nameof(y), x.shape);
        using var scope = NewDisposeScope();
        return ActivationSpec.Finish(Spec.Body(x, y, 0, Arguments(x)), x).MoveToOuterDisposeScope();
    }

    /// <summary>The two halves of an axis to one output of half the size.</summary>
    /// <param name="xy">First inputs and second ones behind them.</param>
    /// <param name="dim">The axis; negative: from the end.</param>
    /// <exception cref="ArgumentException">There is no such axis, or its size is odd.</exception>
    public Tensor ForwardChunk(Tensor xy, int dim = -1)
    {
        Check(xy, nameof(xy));
        var axis = dim < 0 ? dim + xy.dim() : dim;
        if (axis < 0 || axis >= xy.dim()) throw new ArgumentException($"Expected an axis {dim}, got {xy.dim()} axes", nameof(dim));
        if (xy.shape[axis] % 2 != 0)
            throw new ArgumentException($"Expected two halves along axis {dim}, got {xy.shape[axis]} numbers", nameof(xy));
        using var scope = NewDisposeScope();
        var half = xy.shape[axis] / 2;
        return forward(xy.narrow(axis, 0, half), xy.narrow(axis, half, half)).MoveToOuterDisposeScope();
    }

    /// <summary><see cref="ForwardChunk"/> along <see cref="Activation.ChannelDim"/>.</summary>
    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        return ForwardChunk(x, (int)AxisOf(x));
    }

    private protected override Tensor Evaluate(Tensor x, Tensor[] parameters) => throw new NotSupportedException();
}
