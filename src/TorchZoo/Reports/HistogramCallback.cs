using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Reports;

/// <summary>Histograms of a model's weights and gradients for TensorBoard, as <c>weights/…</c> and <c>gradients/…</c>.</summary>
/// <param name="directory">The run's folder.</param>
/// <param name="everySteps">Steps between them; each reads all weights.</param>
public sealed class HistogramCallback(string directory, int everySteps = 100) : TrainerCallback, IDisposable
{
    private TensorBoardLog? _events;

    /// <inheritdoc/>
    public override bool IsObserver => true;

    /// <inheritdoc/>
    public override void OnStart(Trainer trainer, long firstStep)
    {
        Dispose();
        _events = new TensorBoardLog(directory, firstStep > 0 ? firstStep - 1 : null);
    }

    /// <inheritdoc/>
    public override void OnGradients(Trainer trainer, StepContext context, optim.Optimizer optimizer)
    {
        if (context.Step % everySteps != 0) return;
        var own = optimizer.parameters().Select(p => p.Handle).ToHashSet();
        foreach (var (name, parameter) in trainer.Model.named_parameters())
        {
            if (!own.Contains(parameter.Handle)) continue;
            _events?.Histogram(context.Step, $"weights/{name}", parameter);
            using var gradient = parameter.grad;
            if (gradient is not null) _events?.Histogram(context.Step, $"gradients/{name}", gradient);
        }
    }

    /// <inheritdoc/>
    public override void OnSaving(Trainer trainer) => _events?.Flush();

    /// <inheritdoc/>
    public override void OnEnd(Trainer trainer) => Dispose();

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _events?.Dispose();
        _events = null;
    }
}
