using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Groups of neurons that average their positive inputs; a group's neurons share the averaging weights and differ in their exponents.
/// (…, in) → (…, groups, exponents). State names <c>v</c> (groups, in) and <c>exponent</c> (groups, exponents).
/// </summary>
/// <remarks>Source: Frick 2020. Inputs below ε become ε; 16-bit ones are computed in float32.</remarks>
public abstract class MultipletLayer : Module<Tensor, Tensor>
{
    private readonly bool _trainsExponents, _isStrict;
    private readonly double _eps;
    private bool _hasLooked, _hasWarned;

    private protected MultipletLayer(string name, long inFeatures, long groups, bool trainExponents, PositiveWeight weight, double eps,
        bool strict, double initScale, Generator? generator) : base(name)
    {
        Check(groups, weight, eps, initScale);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        (InFeatures, Weight, _eps, _trainsExponents, _isStrict) = (inFeatures, weight, eps, trainExponents, strict);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        // Around 1 for weights that are v itself: half of those around 0 would be 0, for ever.
        var v = randn([groups, inFeatures], generator: generator) * initScale + (weight == PositiveWeight.Clamp ? 1 : 0);
        register_parameter("v", new Parameter(v.DetachFromDisposeScope()));
    }

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>How the averaging weights come from v.</summary>
    public PositiveWeight Weight { get; }

    /// <summary>The exponents s: (groups, exponents).</summary>
    public Tensor Exponents => Of("exponent");

    /// <summary>The averaging weights as they are now: (groups, in); differentiable, in float32 at least. The caller disposes of
    /// them.</summary>
    public Tensor Weights
    {
        get
        {
            using var scope = NewDisposeScope();
            var v = Autocast.ToFullPrecision(get_parameter("v")!);
            return (Weight switch
            {
                PositiveWeight.Softmax => v.softmax(-1),
                PositiveWeight.Softplus => functional.softplus(v),
                _ => v.clamp_min(0),
            }).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs, the type doesn't fit, or a strict layer got a
    /// number that isn't positive.</exception>
    public sealed override Tensor forward(Tensor x) => Evaluate(x, Means);

    // Inputs (…, 1, 1, in) and weights (groups, 1, in) to (…, groups, exponents).
    private protected abstract Tensor Means(Tensor x, Tensor w);

    private protected Tensor Evaluate(Tensor x, Func<Tensor, Tensor, Tensor> means)
    {
        Check(x);
        return Ensemble.InFullPrecision(x, wide =>
        {
            using var scope = NewDisposeScope();
            return means(wide.clamp_min(_eps).unsqueeze(-2).unsqueeze(-2), Weights.unsqueeze(1)).MoveToOuterDisposeScope();
        });
    }

    private protected Tensor Exponent(string name) => Autocast.ToFullPrecision(Of(name));

    private protected void RegisterExponents(string name, IReadOnlyList<double> values)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var all = tensor([.. values], ScalarType.Float32).expand(get_parameter("v")!.shape[0], -1).clone().DetachFromDisposeScope();
        if (_trainsExponents) register_parameter(name, new Parameter(all));
        else register_buffer(name, all);
    }

    internal static void Check(long groups, PositiveWeight weight, double eps, double initScale)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        if (!Enum.IsDefined(weight)) throw new ArgumentOutOfRangeException(nameof(weight), weight, "is no kind of weight");
        if (!(eps > 0) || !double.IsFinite(eps)) throw new ArgumentOutOfRangeException(nameof(eps), eps, "must be > 0");
        if (!(initScale >= 0) || !double.IsFinite(initScale))
            throw new ArgumentOutOfRangeException(nameof(initScale), initScale, "must not be negative");
    }

    internal static void Check(IReadOnlyList<double> exponents, string parameter)
    {
        ArgumentNullException.ThrowIfNull(exponents, parameter);
        if (exponents.Count == 0 || !exponents.All(double.IsFinite))
            throw new ArgumentException("Expected an exponent at least", parameter);
    }

    private Tensor Of(string name) => _trainsExponents ? get_parameter(name)! : get_buffer(name)!;

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        var v = get_parameter("v")!;
        if (!x.is_floating_point() || (x.dtype == ScalarType.Float64) != (v.dtype == ScalarType.Float64))
            throw new ArgumentException($"Expected {v.dtype}, as the weights are, got {x.dtype}", nameof(x));
        // To look is cheap on the CPU; elsewhere it waits for the device: once will do.
        if (!_isStrict && (_hasWarned || (_hasLooked && x.device_type != DeviceType.CPU))) return;
        _hasLooked = true;
        using var scope = NewDisposeScope();
        if (x.detach().gt(0).all().item<bool>()) return;
        if (_isStrict) throw new ArgumentException("Expected positive numbers only", nameof(x));
        _hasWarned = true;
        Trace.TraceWarning($"{GetName()}: means are of positive numbers; others become {_eps:G3}. This is said once.");
    }
}
