using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>What is done to all spiking layers of a network.</summary>
public static class SpikingModules
{
    /// <summary>The layers of spiking neurons, in the order in which they were registered.</summary>
    public static IEnumerable<(string Name, SpikingNeuron Neuron)> Neurons(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (module is SpikingNeuron self) yield return ("", self);
        foreach (var (name, part) in module.named_modules())
            if (part is SpikingNeuron neuron && !ReferenceEquals(part, module)) yield return (name, neuron);
    }

    /// <summary>Forgets the state of a module and all of its parts: between one batch and the next.</summary>
    public static void ResetState(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        foreach (var part in module.modules().Append(module).OfType<ISpikingModule>()) part.ResetState();
    }

    /// <summary>Sets whether gradients go back in time, for all neurons.</summary>
    public static void SetTemporalGradient(nn.Module module, TemporalGradient temporal)
    {
        foreach (var (_, neuron) in Neurons(module)) neuron.Temporal = temporal;
    }
}
