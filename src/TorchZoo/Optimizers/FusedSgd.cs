using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.TorchScript;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// Stochastic gradient descent with momentum (Polyak 1964) or Nesterov's look ahead (Sutskever et al. 2013), in one pass over the
/// parameters.
/// </summary>
/// <remarks>
/// With g the gradient plus λθ, b ← μb + (1−τ)g (b ← g at first), θ ← θ − lr·b; Nesterov: θ ← θ − lr·(g + μb). Groups are
/// <see cref="SGD.ParamGroup"/>. The state has the layout of torch.optim (momentum_buffer).
/// </remarks>
public sealed class FusedSgd : FusedOptimizer, optim.IMomentum
{
    private const int Buffer = 0;

    /// <summary>Makes the optimizer.</summary>
    /// <param name="parameters">What it trains: floating-point, real.</param>
    /// <param name="lr">Learning rate, ≥ 0.</param>
    /// <param name="momentum">μ ≥ 0.</param>
    /// <param name="dampening">τ</param>
    /// <param name="weightDecay">L2 coefficient λ, ≥ 0.</param>
    /// <param name="nesterov">Whether to look ahead; needs momentum and no dampening.</param>
    /// <param name="maximize">Climb instead of descend.</param>
    /// <exception cref="ArgumentException">No parameters, a complex one, or a number out of its range.</exception>
    public FusedSgd(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0,
        bool nesterov = false, bool maximize = false) : base(new SGD.Options
        {
            LearningRate = lr,
            InitialLearningRate = lr,
            momentum = momentum,
            dampening = dampening,
            weight_decay = weightDecay,
            nesterov = nesterov,
            maximize = maximize,
        })
    {
        ArgumentNullException.ThrowIfNull(parameters);
        add_param_group(new SGD.ParamGroup { Parameters = [.. parameters] });
    }

    /// <summary>μ of the groups that are added from now on; schedules that move it set those of the groups.</summary>
    public double Momentum
    {
        get => Defaults.momentum!.Value;
        set => Defaults.momentum = value;
    }

    internal override IReadOnlyList<string> StateNames { get; } = ["momentum_buffer"];

    internal override bool SavesStep => false;

    private SGD.Options Defaults => (SGD.Options)_defaults;

    private protected override OptimizerOptions Complete(OptimizerOptions? options)
    {
        var o = options as SGD.Options ?? new SGD.Options { LearningRate = options?.LearningRate };
        o.LearningRate ??= Defaults.LearningRate;
        o.momentum ??= Defaults.momentum;
        o.dampening ??= Defaults.dampening;
        o.weight_decay ??= Defaults.weight_decay;
        o.nesterov ??= Defaults.nesterov;
        o.maximize ??= Defaults.maximize;
        ThrowUnless(o.LearningRate >= 0, o.LearningRate, "lr", "≥ 0");
        ThrowUnless(o.momentum >= 0, o.momentum, "momentum", "≥ 0");
        ThrowUnless(double.IsFinite(o.dampening!.Value), o.dampening, "dampening", "a number");
        ThrowUnless(o.weight_decay >= 0, o.weight_decay, "weightDecay", "≥ 0");
        ThrowUnless(!o.nesterov!.Value || (o.momentum > 0 && o.dampening == 0), o.momentum, "nesterov", "with momentum and without dampening");
        return o;
    }

    private protected override void Update(OptimizerOptions options, UpdatePart part, GradientScale scale)
    {
        var o = (SGD.Options)options;
        // All the same after the first step.
        foreach (var same in part.By(s => s[Buffer] is null))
        {
            var first = same.States[0][Buffer] is null;
            var buffers = o.momentum > 0 ? same.Of(Buffer) : [];
            switch (part.Path)
            {
                case UpdatePath.Vectors when part.IsDouble: UpdateVectors<double>(same, buffers, Numbers(o, first, scale.Value)); break;
                case UpdatePath.Vectors: UpdateVectors<float>(same, buffers, Numbers(o, first, scale.Value)); break;
                case UpdatePath.Fused:
                    FusedOptimizerOps.Sgd(same.Parameters, same.Gradients, buffers, scale.DivisorOn(part.Device), o, first);
                    break;
                default:
                    var numbers = Numbers(o, first, scale.Value);
                    FusedOptimizerOps.SgdForEach(same.Parameters, same.Scaled(numbers.GradientFactor), buffers, numbers);
                    break;
            }
            foreach (var state in same.States) state.Step++;
        }
    }

    private static unsafe void UpdateVectors<T>(UpdatePart part, Tensor[] buffers, SgdNumbers numbers)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        nint[] addresses = [.. buffers.Select(TensorMemory.Address)];
        part.ForEachPiece((i, parameter, gradient, offset, count) => SgdKernel.Update((T*)parameter, (T*)gradient,
            addresses.Length > 0 ? (T*)(addresses[i] + (nint)offset) : null, count, numbers));
    }

    private static SgdNumbers Numbers(SGD.Options o, bool first, double factor) => new(o.maximize!.Value ? -factor : factor,
        o.weight_decay!.Value, first ? 0 : o.momentum!.Value, first ? 1 : 1 - o.dampening!.Value, o.nesterov!.Value ? o.momentum!.Value : 0,
        o.LearningRate!.Value);
}
