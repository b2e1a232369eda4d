namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="BatchNormMlp"/> is made of. The paper's networks are 100 wide and up to 1000 deep.</summary>
public sealed record BatchNormMlpConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of the hidden layers; the theory is of batches of as many examples.</summary>
    public long HiddenFeatures { get; init; } = 100;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 20;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>φ, one of <see cref="Activations.Names"/>; <c>identity</c> is what the theory is of.</summary>
    public string Activation { get; init; } = "tanh";

    /// <summary>e ≥ 0 of the gains g_l = (l + 1)^−e before the activations (activation shaping); null: 0.5 for tanh and sin, 0 for
    /// others.</summary>
    public double? GainExponent { get; init; }

    /// <summary>What comes first, normalisation or activation.</summary>
    public BatchNormMlpOrder Order { get; init; }

    /// <summary>What is normalised.</summary>
    public BatchNormMlpNorm Norm { get; init; }

    /// <summary>Whether the mean is subtracted before; the theory is of normalisation without.</summary>
    public bool MeanReduction { get; init; }

    /// <summary>What the normalised vectors' lengths are; null: √n of n examples, or √width for layers.</summary>
    public double? ForceFactor { get; init; }

    /// <summary>How the weights begin.</summary>
    public BatchNormMlpInit Init { get; init; }

    internal double Gain(int layer) => Math.Pow(layer + 1, -(GainExponent ?? (Activation is "tanh" or "sin" ? 0.5 : 0)));

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HiddenFeatures, nameof(HiddenFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Depth, nameof(Depth));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        Activations.Named(Activation, nameof(Activation));
        if (GainExponent is not (null or (>= 0 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(nameof(GainExponent), GainExponent, "must be ≥ 0");
        if (ForceFactor is not (null or (> 0 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(nameof(ForceFactor), ForceFactor, "must be > 0");
        if (!Enum.IsDefined(Order)) throw new ArgumentOutOfRangeException(nameof(Order), Order, "is no order");
        if (!Enum.IsDefined(Norm)) throw new ArgumentOutOfRangeException(nameof(Norm), Norm, "is no normalisation");
        if (!Enum.IsDefined(Init)) throw new ArgumentOutOfRangeException(nameof(Init), Init, "is no initialisation");
        if (Norm == BatchNormMlpNorm.Layer && HiddenFeatures < 2)
            throw new ArgumentOutOfRangeException(nameof(HiddenFeatures), HiddenFeatures, "a single number can't be normalised");
        if (Norm is BatchNormMlpNorm.Trained or BatchNormMlpNorm.None && (MeanReduction || ForceFactor is not null))
            throw new ArgumentException($"{Norm} has no {nameof(MeanReduction)} and no {nameof(ForceFactor)}", nameof(Norm));
    }
}
