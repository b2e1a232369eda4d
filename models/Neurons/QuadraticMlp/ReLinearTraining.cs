using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Any training step, by the rules of <see cref="ReLinear"/>: the quadratic parts have rates of their own and no weight decay, and
/// are drawn back after each update if asked for. The trainer's optimizer has to be SGD.</summary>
public sealed class ReLinearTraining : TrainingStep
{
    private readonly TrainingStep _step;
    private readonly double _gammaG, _gammaB, _shrink;
    private readonly ShrinkNorm _norm;

    /// <summary>A step by these rules.</summary>
    /// <param name="step">What is done with a batch, e.g. <c>Steps.Supervised(…)</c>.</param>
    /// <param name="gammaG">γ of the gates, ≥ 0.</param>
    /// <param name="gammaB">γ of the squares, ≥ 0.</param>
    /// <param name="shrink">α or β of <see cref="ReLinear.Shrink"/> after each update; 0: nothing is drawn back.</param>
    /// <param name="norm">How it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public ReLinearTraining(TrainingStep step, double gammaG = 0.01, double gammaB = 0.01, double shrink = 0,
        ShrinkNorm norm = ShrinkNorm.L2)
    {
        ArgumentNullException.ThrowIfNull(step);
        ReLinear.NonNegative(gammaG, nameof(gammaG));
        ReLinear.NonNegative(gammaB, nameof(gammaB));
        ReLinear.CheckShrink(shrink, norm, nameof(shrink));
        (_step, _gammaG, _gammaB, _shrink, _norm) = (step, gammaG, gammaB, shrink, norm);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, nn.Module> Modules => _step.Modules;

    /// <inheritdoc/>
    public override bool EvaluationDifferentiates => _step.EvaluationDifferentiates;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The trainer's optimizer isn't SGD.</exception>
    public override IReadOnlyList<optim.Optimizer> CreateOptimizers(nn.Module model, Func<IEnumerable<Parameter>, optim.Optimizer> make)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(make);
        var optimizer = make([.. ReLinear.Split(model).Ordinary, .. Modules.Values.SelectMany(m => m.parameters())]);
        if (optimizer is not (SGD or Optimizers.FusedSgd))
            throw new ArgumentException($"Expected SGD, got {optimizer.GetType().Name}", nameof(make));
        var (_, g, b) = ReLinear.ParameterGroups(model, optimizer.ParamGroups.First().InitialLearningRate, _gammaG, _gammaB);
        foreach (var group in new[] { g, b }.OfType<SGD.ParamGroup>()) ((OptimizerHelper)optimizer).add_param_group(group);
        return [optimizer];
    }

    /// <inheritdoc/>
    public override void Run(Batch batch, StepContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _step.Run(batch, context);
        if (_shrink > 0 && context.UpdateDue) ReLinear.Shrink(context.Model, _shrink, _norm);
    }

    /// <inheritdoc/>
    public override void Evaluate(Batch batch, StepContext context) => _step.Evaluate(batch, context);

    /// <inheritdoc/>
    public override PyDict? SaveState() => _step.SaveState();

    /// <inheritdoc/>
    public override void LoadState(PyDict state) => _step.LoadState(state);
}
