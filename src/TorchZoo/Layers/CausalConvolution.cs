using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Layers;

/// <summary>
/// A short convolution over time, of each channel by itself, that sees no later step: y_t = b + Σ_j w_j x_{t−k+1+j}. (batch, time,
/// channels) → the same. State names and shapes are those of PyTorch's <c>Conv1d</c> with as many groups as channels: <c>weight</c>
/// (channels, 1, k),
/// <c>bias</c>.
/// </summary>
/// <remarks>It is k products and sums over all steps: no transposition, and a few passes over memory.</remarks>
public sealed class CausalConvolution : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;
    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    /// <summary>A layer with fresh weights, uniform within ± 1/√k.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="size">k: steps that an output sees, itself among them.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public CausalConvolution(long channels, long size, Generator? generator = null) : base(nameof(CausalConvolution))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        (Channels, Size) = (channels, size);
        var bound = 1 / Math.Sqrt(size);
        (_weight, _bias) = (Uniform(channels, 1, size), Uniform(channels));
        RegisterComponents();

        Parameter Uniform(params long[] shape)
        {
            using var scope = NewDisposeScope();
            return new Parameter(((rand(shape, generator: generator) * 2 - 1) * bound).MoveToOuterDisposeScope());
        }
    }

    /// <summary>Channels.</summary>
    public long Channels { get; }

    /// <summary>Steps that an output sees, itself among them.</summary>
    public long Size { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't (batch, time, channels).</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return ForwardWithHistory(x).Y.MoveToOuterDisposeScope();
    }

    /// <summary>The outputs, and the inputs that the next call needs.</summary>
    /// <param name="x">(batch, time, channels)</param>
    /// <param name="history">The k − 1 inputs before: (batch, k − 1, channels); null: zero.</param>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public (Tensor Y, Tensor History) ForwardWithHistory(Tensor x, Tensor? history = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        Kernels.Expect.Shape(x, nameof(x), -1, -1, Channels);
        Kernels.Expect.Shape(history, nameof(history), x.shape[0], Size - 1, Channels);
        using var scope = NewDisposeScope();
        var (steps, rows) = (x.shape[1], get_parameter("weight")!.squeeze(1).unbind(1));
        var all = cat([history?.to(x.dtype) ?? zeros([x.shape[0], Size - 1, Channels], x.dtype, x.device), x], 1);
        Tensor sum = get_parameter("bias")!;
        for (var j = 0; j < Size; j++) sum = sum.addcmul(all.narrow(1, j, steps), rows[j], 1);
        return (sum.to(x.dtype).MoveToOuterDisposeScope(), all.narrow(1, steps, Size - 1).clone().MoveToOuterDisposeScope());
    }
}
