using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A small trained addition to a network that stays as it is: x + U Ψ Φ(x) + b, or x + v ⊙ Ψ Φ(x) without a narrower middle. The identity
/// to begin with. (…, dim) → the same. State names <c>adapter_down.0.weights</c>, buffer <c>adapter_down.0.projection</c>, and
/// <c>adapter_up.weight</c>, <c>adapter_up.bias</c> or <c>modulating_vector</c>.
/// </summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 4.3.</remarks>
public sealed class SnnkAdapter : Module<Tensor, Tensor>
{
    [ComponentName(Name = "adapter_down")]
    private readonly Sequential _down;
    [ComponentName(Name = "adapter_up")]
    private readonly Linear? _up;
    [ComponentName(Name = "modulating_vector")]
    private readonly Parameter? _modulation;

    /// <summary>An adapter that changes nothing yet.</summary>
    /// <param name="dim">Numbers in and out.</param>
    /// <param name="features">m, ≥ 1.</param>
    /// <param name="downSample">Numbers in the middle; null: as many as <paramref name="dim"/>, and a factor for each.</param>
    /// <param name="kind">The kernel.</param>
    /// <param name="options">The features' options; null: the defaults.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A size isn't positive, or an option isn't valid.</exception>
    public SnnkAdapter(long dim, long features, long? downSample = null, SnnkKind kind = SnnkKind.Relu, SnnkOptions? options = null,
        Generator? generator = null) : base(nameof(SnnkAdapter))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dim);
        _down = Sequential(SnnkLayers.Layer(kind, dim, downSample ?? dim, features, options ?? new SnnkOptions(), generator));
        if (downSample is { } middle)
        {
            _up = Linear(middle, dim);
            using var off = no_grad();
            _up.weight!.zero_();
            _up.bias!.zero_();
        }
        else _modulation = new Parameter(zeros(dim).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the adapter's.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var down = _down.call(x);
        return (x + (_up is null ? _modulation! * down : _up.call(down))).MoveToOuterDisposeScope();
    }
}
