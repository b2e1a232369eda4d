namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="NauNmu"/> network is made of.</summary>
public sealed record NauNmuConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Numbers between layers.</summary>
    public long HiddenFeatures { get; init; } = 2;

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>The layers, first to last; sums, then products of them.</summary>
    public IReadOnlyList<NauNmuUnit> Units { get; init; } = [NauNmuUnit.Nau, NauNmuUnit.Nmu];

    /// <summary>What keeps the weights within their bounds.</summary>
    public OutOfBounds OutOfBounds { get; init; }

    /// <summary>The least weight of an NMU.</summary>
    public double Epsilon { get; init; }

    /// <summary>Whether NMUs normalise their inputs.</summary>
    public bool Normalized { get; init; }

    /// <summary>Independent networks side by side, with a member axis in front of all that goes in and comes out; null: one.</summary>
    public long? Members { get; init; }
}
