namespace TorchZoo.Models.Spiking;

/// <summary>What a <see cref="SpikingCnn"/> is made of; defaults are those of the experiment on Fashion-MNIST.</summary>
public sealed record SpikingCnnConfig
{
    /// <summary>Channels of a frame.</summary>
    public long InChannels { get; init; } = 1;

    /// <summary>Rows and columns of a frame.</summary>
    public IReadOnlyList<long> InSize { get; init; } = [28, 28];

    /// <summary>Output channels of each convolution.</summary>
    public IReadOnlyList<long> Channels { get; init; } = [16, 32, 32];

    /// <summary>Size of the convolutions' kernels, odd; they keep the size of their input.</summary>
    public long KernelSize { get; init; } = 3;

    /// <summary>Edges of the averages that are taken after each layer of neurons; each halves rows and columns.</summary>
    public IReadOnlyList<long> Pool { get; init; } = [2, 2, 3];

    /// <summary>Whether each convolution is followed by batch normalisation, with the statistics of the time step.</summary>
    public bool BatchNorm { get; init; } = true;

    /// <summary>Classes.</summary>
    public long NumClasses { get; init; } = 10;

    /// <summary>Time steps that an image is shown for.</summary>
    public int TimeSteps { get; init; } = 4;

    /// <summary>The neurons.</summary>
    public NeuronConfig Neuron { get; init; } = new();
}
