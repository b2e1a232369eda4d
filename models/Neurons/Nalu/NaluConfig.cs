namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="Nalu"/> network is made of.</summary>
public sealed record NaluConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Numbers between layers.</summary>
    public long HiddenFeatures { get; init; } = 2;

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<NaluUnit> Units { get; init; } = [NaluUnit.Nalu, NaluUnit.Nalu];

    /// <summary>ε of the logarithm.</summary>
    public double Eps { get; init; } = 1e-7;

    /// <summary>Whether products of a NALU have weights of their own.</summary>
    public bool TwoNac { get; init; }

    /// <summary>Whether products of a NALU have a gate of their own.</summary>
    public bool TwoGate { get; init; }

    /// <summary>Whether a NALU's gates have a bias.</summary>
    public bool GateBias { get; init; }

    /// <summary>How products are made.</summary>
    public NaluMulMode Mul { get; init; }

    /// <summary>How the weights begin.</summary>
    public NacInit Init { get; init; }

    /// <summary>Largest exponent of a product.</summary>
    public double LogClamp { get; init; } = 20;

    /// <summary>Independent networks side by side, with a member axis in front of all that goes in and comes out; null: one.</summary>
    public long? Members { get; init; }
}
