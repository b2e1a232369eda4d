namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="MatrixActivationMlp"/> is made of.</summary>
public sealed record MatrixActivationMlpConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of the hidden layers.</summary>
    public long HiddenFeatures { get; init; } = 64;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 2;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>The activations' break points; null: <see cref="TrainableMatrixActivation.DefaultBreaks"/>.</summary>
    public IReadOnlyList<double>? Breaks { get; init; }

    /// <summary>How many neighbours of each side an activation sees.</summary>
    public int Bandwidth { get; init; }

    /// <summary>What the activations are before training.</summary>
    public MatrixActivationInit Init { get; init; }

    /// <summary>Who has tables of its own.</summary>
    public MatrixActivationSharing Sharing { get; init; }

    /// <summary>Whether each neuron has break points of its own, for <see cref="TrainableMatrixActivation.FitBreaks"/>.</summary>
    public bool BreaksPerNeuron { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Depth, nameof(Depth));
        TrainableMatrixActivation.Check(HiddenFeatures, Breaks ?? TrainableMatrixActivation.DefaultBreaks, Bandwidth, Init, Sharing);
    }
}
