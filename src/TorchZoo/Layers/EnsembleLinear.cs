using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Layers;

/// <summary>
/// As many linear layers as an ensemble has members, side by side: y_m = x_m W_mᵀ + b_m. (members, …, in) → (members, …, out). State names
/// <c>weight</c> (members, out, in) and <c>bias</c> (members, out).
/// </summary>
public sealed class EnsembleLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;
    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    /// <summary>Layers with fresh weights and biases as PyTorch's <c>Linear</c> has them: uniform within ± 1/√in.</summary>
    /// <param name="members">Members.</param>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public EnsembleLinear(long members, long inFeatures, long outFeatures, Generator? generator = null) : base(nameof(EnsembleLinear))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(members);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        var bound = 1 / Math.Sqrt(inFeatures);
        _weight = new Parameter(empty(members, outFeatures, inFeatures).uniform_(-bound, bound, generator));
        _bias = new Parameter(empty(members, outFeatures).uniform_(-bound, bound, generator));
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't (members, …, in).</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var bias = get_parameter("bias")!;
        long[] ones = [.. Enumerable.Repeat(1L, Math.Max(0, (int)x.dim() - 2))];
        var spread = bias.reshape([bias.shape[0], .. ones, bias.shape[1]]);
        return (Ensemble.Linear(x, get_parameter("weight")!) + spread).MoveToOuterDisposeScope();
    }
}
