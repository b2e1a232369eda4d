using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.TorchScript;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015, arXiv 1412.6980) in one pass over the parameters. Weight decay is an L2 term of the gradient;
/// <see cref="FusedAdamW"/> decouples it.
/// </summary>
/// <remarks>
/// With g the gradient (plus λθ), m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε). Parameters without a
/// gradient are left alone. Groups are <see cref="Adam.ParamGroup"/>. The state has the layout of torch.optim (step, exp_avg, exp_avg_sq,
/// max_exp_avg_sq).
/// </remarks>
public class FusedAdam : FusedOptimizer, optim.IBetas
{
    private const int ExpAvg = 0, ExpAvgSq = 1, MaxExpAvgSq = 2;
    private readonly bool _decoupled;

    /// <summary>Makes the optimizer.</summary>
    /// <param name="parameters">What it trains: floating-point, real.</param>
    /// <param name="lr">Learning rate, ≥ 0.</param>
    /// <param name="beta1">Decay of the mean of gradients, in [0, 1).</param>
    /// <param name="beta2">Decay of the mean of squared gradients, in [0, 1).</param>
    /// <param name="eps">Added to the denominator, ≥ 0.</param>
    /// <param name="weightDecay">L2 coefficient λ, ≥ 0.</param>
    /// <param name="amsgrad">Divide by the largest v so far (Reddi et al. 2018).</param>
    /// <param name="maximize">Climb instead of descend.</param>
    /// <exception cref="ArgumentException">No parameters, a complex one, or a number out of its range.</exception>
    public FusedAdam(
        IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weightDecay = 0, bool amsgrad = false, bool maximize = false)
        : this(parameters, lr, beta1, beta2, eps, weightDecay, amsgrad, maximize, decoupled: false)
    {
    }

    private protected FusedAdam(IEnumerable<Parameter> parameters, double lr, double beta1, double beta2, double eps, double weightDecay,
        bool amsgrad, bool maximize, bool decoupled) : base(new Adam.Options
        {
            LearningRate = lr,
            InitialLearningRate = lr,
            beta1 = beta1,
            beta2 = beta2,
            eps = eps,
            weight_decay = weightDecay,
            amsgrad = amsgrad,
            maximize = maximize,
        })
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _decoupled = decoupled;
        add_param_group(new Adam.ParamGroup { Parameters = [.. parameters] });
    }

    /// <summary>(β₁, β₂) of the groups that are added from now on; schedules that move β₁ set those of the groups.</summary>
    public (double, double) Betas
    {
        get => (Defaults.beta1!.Value, Defaults.beta2!.Value);
        set => (Defaults.beta1, Defaults.beta2) = value;
    }

    internal override IReadOnlyList<string> StateNames { get; } = ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

    internal override bool SavesStep => true;

    private Adam.Options Defaults => (Adam.Options)_defaults;

    private protected override OptimizerOptions Complete(OptimizerOptions? options)
    {
        var o = options as Adam.Options ?? new Adam.Options { LearningRate = options?.LearningRate };
        o.LearningRate ??= Defaults.LearningRate;
        o.beta1 ??= Defaults.beta1;
        o.beta2 ??= Defaults.beta2;
        o.eps ??= Defaults.eps;
        o.weight_decay ??= Defaults.weight_decay;
        o.amsgrad ??= Defaults.amsgrad;
        o.maximize ??= Defaults.maximize;
        ThrowUnless(o.LearningRate >= 0, o.LearningRate, "lr", "≥ 0");
        ThrowUnless(o.beta1 is >= 0 and < 1, o.beta1, "beta1", "in [0, 1)");
        ThrowUnless(o.beta2 is >= 0 and < 1, o.beta2, "beta2", "in [0, 1)");
        ThrowUnless(o.eps >= 0, o.eps, "eps", "≥ 0");
        ThrowUnless(o.weight_decay >= 0, o.weight_decay, "weightDecay", "≥ 0");
        return o;
    }

    private protected override void Update(OptimizerOptions options, UpdatePart part, GradientScale scale)
    {
        var o = (Adam.Options)options;
        foreach (var state in part.States) state.Step++;
        switch (part.Path)
        {
            case UpdatePath.Vectors when part.IsDouble: UpdateVectors<double>(o, part, scale.Value); break;
            case UpdatePath.Vectors: UpdateVectors<float>(o, part, scale.Value); break;
            case UpdatePath.Fused:
                var steps = part.States.Select(s => s.Step).Distinct()
                    .ToDictionary(s => s, s => full([], s, ScalarType.Float32, part.Device));
                FusedOptimizerOps.Adam(part.Parameters, part.Gradients, part.Of(ExpAvg), part.Of(ExpAvgSq), Largest(part, o),
                    [.. part.States.Select(s => steps[s.Step])], scale.DivisorOn(part.Device), o, _decoupled);
                break;
            default:
                foreach (var same in part.By(s => s.Step))
                    FusedOptimizerOps.AdamForEach(same.Parameters, same.Scaled(o.maximize!.Value ? -scale.Value : scale.Value),
                        same.Of(ExpAvg), same.Of(ExpAvgSq), Largest(same, o), Numbers(o, same.States[0].Step, 1));
                break;
        }
    }

    private static Tensor[] Largest(UpdatePart part, Adam.Options options) => options.amsgrad!.Value ? part.Of(MaxExpAvgSq) : [];

    private unsafe void UpdateVectors<T>(Adam.Options options, UpdatePart part, double factor)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        nint[] means = Addresses(part.Of(ExpAvg)), squares = Addresses(part.Of(ExpAvgSq)), largest = Addresses(Largest(part, options));
        var numbers = new AdamNumbers[part.States.Length];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = i > 0 && part.States[i].Step == part.States[i - 1].Step ? numbers[i - 1]
                : Numbers(options, part.States[i].Step, options.maximize!.Value ? -factor : factor);
        part.ForEachPiece((i, parameter, gradient, offset, count) => AdamKernel.Update((T*)parameter, (T*)gradient,
            (T*)(means[i] + (nint)offset), (T*)(squares[i] + (nint)offset), largest.Length > 0 ? (T*)(largest[i] + (nint)offset) : null,
            count, numbers[i]));

        static nint[] Addresses(Tensor[] tensors) => Array.ConvertAll(tensors, TensorMemory.Address);
    }

    private AdamNumbers Numbers(Adam.Options o, long step, double factor)
    {
        double lr = o.LearningRate!.Value, beta1 = o.beta1!.Value, beta2 = o.beta2!.Value, decay = o.weight_decay!.Value;
        return new AdamNumbers(factor, _decoupled ? 0 : decay, _decoupled ? 1 - lr * decay : 1, 1 - beta1, beta2, 1 - beta2,
            1 / Math.Sqrt(1 - Math.Pow(beta2, step)), o.eps!.Value, lr / (1 - Math.Pow(beta1, step)));
    }
}
