namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="MultipletNetwork"/> is made of.</summary>
public sealed record MultipletNetworkConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>The multiplets, first to last.</summary>
    public required IReadOnlyList<MultipletConfig> Layers { get; init; }

    /// <summary>What follows the last multiplet.</summary>
    public MultipletReadout Readout { get; init; }

    /// <summary>Numbers out, with a readout; without, it is what the last multiplet has.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>How the averaging weights come from v.</summary>
    public PositiveWeight Weight { get; init; }

    /// <summary>Whether exponents are trained.</summary>
    public bool TrainExponents { get; init; } = true;

    /// <summary>Deviation of v before training; 1 for logic.</summary>
    public double InitScale { get; init; } = 0.1;

    /// <summary>Least input of a mean that counts.</summary>
    public double Eps { get; init; } = 1e-6;

    /// <summary>Whether an input that isn't positive is an error, rather than a warning and ε.</summary>
    public bool Strict { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        if (!Enum.IsDefined(Readout)) throw new ArgumentOutOfRangeException(nameof(Readout), Readout, "is no readout");
        if (Layers is not { Count: > 0 }) throw new ArgumentException("Expected a layer at least", nameof(Layers));
        foreach (var layer in Layers)
        {
            if (layer is null) throw new ArgumentException("Expected a layer, got null", nameof(Layers));
            MultipletLayer.Check(layer.Groups, Weight, Eps, InitScale);
            MultipletLayer.Check(layer.Exponents, nameof(layer.Exponents));
            if (layer.ExponentsD is { } d) GiniMultiplet.Check(layer.Exponents, d);
            else if (layer.AsRatio) throw new ArgumentException("Expected second exponents for a quotient", nameof(layer.ExponentsD));
        }
    }
}
