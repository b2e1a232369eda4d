using TorchZoo.Training;

namespace TorchZoo.Scripts;

/// <summary>Says at a training's end where its time went.</summary>
internal sealed class ProfileReport(string name, IReport output) : TrainerCallback
{
    private readonly ProfileCallback _profile = new();

    public override bool NeedsDeviceTimes => true;

    public override void OnStart(Trainer trainer, long firstStep) => _profile.OnStart(trainer, firstStep);

    public override void OnStep(Trainer trainer, StepReport report) => _profile.OnStep(trainer, report);

    public override void OnEnd(Trainer trainer)
    {
        _profile.OnEnd(trainer);
        if (_profile.Steps == 0) return;
        var total = _profile.Mean.Total;
        output.Table($"{name}: where {_profile.Steps} steps' time went, {_profile.Throughput:G4} samples a second", ["part", "ms a step", "%"],
            _profile.Parts.Select(p => (object[])[p.Part, 1e3 * p.Seconds, 100 * p.Seconds / total]));
    }
}
