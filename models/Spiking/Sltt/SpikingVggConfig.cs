namespace TorchZoo.Models.Spiking;

/// <summary>What a <see cref="SpikingVgg"/> is made of; defaults are those of the paper for DVS-CIFAR10.</summary>
public sealed record SpikingVggConfig
{
    /// <summary>Layers with weights: 11, 13, 16 or 19.</summary>
    public int Depth { get; init; } = 11;

    /// <summary>Channels of a frame; 2 for events of both signs.</summary>
    public long InChannels { get; init; } = 2;

    /// <summary>Classes.</summary>
    public long NumClasses { get; init; } = 10;

    /// <summary>Share of the spikes that is left out after each layer of neurons, the same ones in all time steps.</summary>
    public double Dropout { get; init; }

    /// <summary>Time steps that an image is shown for.</summary>
    public int TimeSteps { get; init; } = 10;

    /// <summary>The neurons.</summary>
    public NeuronConfig Neuron { get; init; } = new();
}
