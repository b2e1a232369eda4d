using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>The edges of a layer whose functions are known: y_j = Σ_i mask_{ji} (c f(a x_i + b) + d). (N, in) → (N, out).</summary>
/// <remarks>Parameter <c>affine</c> (out, in, 4): a, b, c, d; buffer <c>mask</c> (out, in). Only edges whose function is set are computed.</remarks>
public sealed class SymbolicLayer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "affine")]
    private readonly Parameter _affine;
    private readonly Dictionary<(long Input, long Output), SymbolicFunction> _functions = [];

    internal SymbolicLayer(long inFeatures, long outFeatures) : base(nameof(SymbolicLayer))
    {
        (InFeatures, OutFeatures) = (inFeatures, outFeatures);
        _affine = new Parameter(zeros(outFeatures, inFeatures, 4).DetachFromDisposeScope());
        register_buffer("mask", zeros(outFeatures, inFeatures).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <summary>Features of the input.</summary>
    public long InFeatures { get; }

    /// <summary>Features of the output.</summary>
    public long OutFeatures { get; }

    /// <summary>a, b, c, d of each edge, (out, in, 4).</summary>
    public Parameter Affine => _affine;

    /// <summary>1 for the edges whose function is known, (out, in).</summary>
    public Tensor Mask => get_buffer("mask")!;

    /// <summary>The known functions.</summary>
    public IReadOnlyDictionary<(long Input, long Output), SymbolicFunction> Functions => _functions;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor[] sums = new Tensor[OutFeatures];
        foreach (var (edge, y) in Edges(x)) sums[edge.Output] = sums[edge.Output] is { } sum ? sum + y : y;
        var none = zeros(x.shape[0], x.dtype, x.device);
        return stack([.. sums.Select(s => s ?? none)], 1).MoveToOuterDisposeScope();
    }

    internal void Set(long input, long output, SymbolicFunction function) => _functions[(input, output)] = function;

    internal bool Clear(long input, long output) => _functions.Remove((input, output));

    /// <summary>What each known edge gives, (N).</summary>
    internal IEnumerable<((long Input, long Output) Edge, Tensor Y)> Edges(Tensor x)
    {
        foreach (var (edge, function) in _functions)
        {
            var of = _affine[edge.Output, edge.Input];
            yield return (edge, (function.Apply(x.select(-1, edge.Input) * of[0] + of[1]) * of[2] + of[3]) * Mask[edge.Output, edge.Input]);
        }
    }
}
