namespace TorchZoo.Models.Spiking;

/// <summary>What a <see cref="SpikingResNet"/> is made of; defaults are those of the paper for CIFAR-10.</summary>
public sealed record SpikingResNetConfig
{
    /// <summary>Layers with weights: 18 or 34.</summary>
    public int Depth { get; init; } = 18;

    /// <summary>Channels of a frame.</summary>
    public long InChannels { get; init; } = 3;

    /// <summary>Classes.</summary>
    public long NumClasses { get; init; } = 10;

    /// <summary>Share of the spikes that is left out within a block and before the last layer, the same ones in all time steps.</summary>
    public double Dropout { get; init; }

    /// <summary>Time steps that an image is shown for.</summary>
    public int TimeSteps { get; init; } = 6;

    /// <summary>The neurons.</summary>
    public NeuronConfig Neuron { get; init; } = new();
}
