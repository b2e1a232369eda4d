using System.Globalization;

namespace TorchZoo.Training;

/// <summary>
/// Says where a training's time goes: data, forward pass, backward pass, optimizer, overhead. On a GPU it makes the run wait for the device
/// between these, which costs some time itself.
/// </summary>
/// <param name="warmUp">Steps at the beginning that don't count.</param>
public class ProfileCallback(int warmUp = 10) : TrainerCallback
{
    private StepTimes _sum;

    /// <inheritdoc/>
    public override bool IsObserver => true;

    /// <inheritdoc/>
    public override bool NeedsDeviceTimes => true;

    /// <summary>Steps that counted.</summary>
    public long Steps { get; private set; }

    /// <summary>Examples in these.</summary>
    public long Examples { get; private set; }

    /// <summary>Mean times of a step, in seconds.</summary>
    public StepTimes Mean => Steps == 0 ? default : new StepTimes(_sum.Data / Steps, _sum.Forward / Steps, _sum.Backward / Steps,
        _sum.Optimizer / Steps, _sum.Overhead / Steps);

    /// <summary>Examples a second.</summary>
    public double Throughput => _sum.Total > 0 ? Examples / _sum.Total : 0;

    /// <summary>The parts of a step by name, with their mean times in seconds.</summary>
    public IReadOnlyList<(string Part, double Seconds)> Parts => Mean is var m
        ? [("data", m.Data), ("forward", m.Forward), ("backward", m.Backward), ("optimizer", m.Optimizer), ("overhead", m.Overhead)] : [];

    /// <inheritdoc/>
    public override void OnStart(Trainer trainer, long firstStep) => (Steps, Examples, _sum) = (-warmUp, 0, default);

    /// <inheritdoc/>
    public override void OnStep(Trainer trainer, StepReport report)
    {
        if (Steps++ < 0) return;
        Examples += report.Examples;
        var t = report.Times;
        _sum = new StepTimes(_sum.Data + t.Data, _sum.Forward + t.Forward, _sum.Backward + t.Backward, _sum.Optimizer + t.Optimizer,
            _sum.Overhead + t.Overhead);
    }

    /// <inheritdoc/>
    public override void OnEnd(Trainer trainer) => Steps = Math.Max(0, Steps);

    /// <summary>A line for people: each part's time and share.</summary>
    public override string ToString()
    {
        var total = Mean.Total;
        return string.Join(", ", Parts.Select(p =>
            string.Create(CultureInfo.InvariantCulture, $"{p.Part} {1e3 * p.Seconds:G3} ms ({p.Seconds / total:P0})")));
    }
}
