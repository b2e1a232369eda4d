using TorchZoo.Checkpoints;
using TorchZoo.Distributed;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>What a training leaves: weights and curves.</summary>
internal sealed record TrainingOutcome(Dictionary<string, Tensor> Tensors)
{
    public static TrainingOutcome Of(nn.Module model, TrainingResult result)
    {
        var tensors = StateDict.Entries(model).ToDictionary(e => e.Key, e => e.Stored.detach().clone().DetachFromDisposeScope());
        tensors["training"] = tensor(result.History.SelectMany(e => e.Training.OrderBy(m => m.Key).Select(m =>
            m.Value)).ToArray()).DetachFromDisposeScope();
        tensors["validation"] = tensor(result.History.SelectMany(e => e.Validation.OrderBy(m => m.Key).Select(m =>
            m.Value)).ToArray()).DetachFromDisposeScope();
        return new(tensors);
    }

    /// <summary>All ranks have the same; the first writes it.</summary>
    public void Save(string folder, string name, ProcessGroup group)
    {
        foreach (var (key, value) in Tensors)
        {
            using var all = group.AllGather(value);
            for (var r = 1; r < group.Size; r++)
                if (!all[r].allclose(all[0], 0, 0)) throw new InvalidOperationException($"{name}: {key} of rank {r} is not that of rank 0");
        }
        if (group.IsFirst) SafetensorsFile.Save(Path.Combine(folder, name + ".safetensors"), Tensors);
    }

    public static TrainingOutcome Load(string folder, string name) =>
        new(SafetensorsFile.Load(Path.Combine(folder, name + ".safetensors")).ToDictionary(t => t.Key, t => t.Value));

    /// <summary>The greatest difference in any number.</summary>
    public double Distance(TrainingOutcome other) => Tensors.Max(t => t.Value.numel() == 0 ? 0
        : (t.Value - other.Tensors[t.Key]).abs().max().to(ScalarType.Float64).item<double>());
}
