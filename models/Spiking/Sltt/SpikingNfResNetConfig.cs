namespace TorchZoo.Models.Spiking;

/// <summary>What a <see cref="SpikingNfResNet"/> is made of; defaults are those of the paper for ImageNet.</summary>
public sealed record SpikingNfResNetConfig
{
    /// <summary>Layers with weights: 34, 50 or 101.</summary>
    public int Depth { get; init; } = 34;

    /// <summary>Channels of a frame.</summary>
    public long InChannels { get; init; } = 3;

    /// <summary>Classes.</summary>
    public long NumClasses { get; init; } = 1000;

    /// <summary>α: what a block adds to the variance of its input is α².</summary>
    public double Alpha { get; init; } = 0.2;

    /// <summary>Time steps that an image is shown for.</summary>
    public int TimeSteps { get; init; } = 6;

    /// <summary>The neurons.</summary>
    public NeuronConfig Neuron { get; init; } = new();
}
