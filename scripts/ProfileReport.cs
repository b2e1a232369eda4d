using TorchZoo.Training;

namespace TorchZoo.Scripts;

/// <summary>Says at a training's end where its time went.</summary>
internal sealed class ProfileReport(string name, IReport output) : ProfileCallback
{
    public override void OnEnd(Trainer trainer)
    {
        base.OnEnd(trainer);
        if (Steps == 0) return;
        output.Table($"{name}: where {Steps} steps' time went, {Throughput:G4} samples a second", ["part", "ms a step", "%"],
            Parts.Select(p => (object[])[p.Part, 1e3 * p.Seconds, 100 * p.Seconds / Mean.Total]));
    }
}
