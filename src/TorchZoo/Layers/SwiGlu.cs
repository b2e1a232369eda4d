using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Layers;

/// <summary>
/// The gated perceptron of today's transformers: y = W_down (silu(W_gate x) · W_up x), without biases (Shazeer 2020, arXiv 2002.05202).
/// State names: <c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c>.
/// </summary>
public sealed class SwiGlu : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly TorchSharp.Modules.Linear _gate;
    [ComponentName(Name = "up_proj")]
    private readonly TorchSharp.Modules.Linear _up;
    [ComponentName(Name = "down_proj")]
    private readonly TorchSharp.Modules.Linear _down;

    /// <summary>A layer with fresh weights.</summary>
    /// <param name="features">Size of the last axis of input and output.</param>
    /// <param name="hidden">Products in between; <see cref="UsualHidden"/> gives as many weights as a perceptron of 4 · features
    /// has.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public SwiGlu(long features, long hidden) : base(nameof(SwiGlu))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        (_gate, _up, _down) = (nn.Linear(features, hidden, hasBias: false), nn.Linear(features, hidden, hasBias: false),
            nn.Linear(hidden, features, hasBias: false));
        RegisterComponents();
    }

    /// <summary>8/3 of the features, rounded up to a multiple.</summary>
    public static long UsualHidden(long features, long multiple = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiple);
        return (8 * features + 3 * multiple - 1) / (3 * multiple) * multiple;
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return _down.call(nn.functional.silu(_gate.call(x)) * _up.call(x)).MoveToOuterDisposeScope();
    }
}
