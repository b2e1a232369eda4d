namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="SymmetricConvNet"/> is made of. The defaults are the layout of ResNet-50.</summary>
public sealed record SymmetricConvNetConfig
{
    /// <summary>Channels of the pictures.</summary>
    public long InChannels { get; init; } = 3;

    /// <summary>Channels behind the stem.</summary>
    public long StemChannels { get; init; } = 64;

    /// <summary>Blocks of each stage; the first one of a stage halves the resolution and doubles the channels.</summary>
    public IReadOnlyList<long> BlocksPerStage { get; init; } = [3, 4, 6, 3];

    /// <summary>Classes.</summary>
    public required long Classes { get; init; }

    /// <summary>How the network begins.</summary>
    public SymmetricLayout Layout { get; init; }

    /// <summary>k: a block's product has k times its channels; null: 4 up to 128 channels, 2 beyond.</summary>
    public int? Expansion { get; init; }

    /// <summary>What bounds the hidden state behind blocks that change its width.</summary>
    public BallActivation Ball { get; init; }

    /// <summary>Product, or ReLU to compare with.</summary>
    public BlockNonlinearity Nonlinearity { get; init; }

    /// <summary>Whether blocks multiply by learned functions of the place.</summary>
    public bool VariableCoefficients { get; init; }

    /// <summary>Whether blocks begin as their skip connections.</summary>
    public bool ZeroInitLast { get; init; }

    /// <summary>Whether normalisations are part of the convolutions, as in what <see cref="ChannelBasisTransform"/> gives: for evaluation
    /// only.</summary>
    public bool Fused { get; init; }

    /// <summary>Blocks, counted from 0 through all stages, whose skip connection is a convolution though it could be the
    /// identity.</summary>
    public IReadOnlyList<int> LinearSkips { get; init; } = [];

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InChannels, nameof(InChannels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(StemChannels, nameof(StemChannels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Classes, nameof(Classes));
        if (BlocksPerStage is not { Count: > 0 } || BlocksPerStage.Any(n => n < 1))
            throw new ArgumentException("Expected stages of a block at least", nameof(BlocksPerStage));
        if (!Enum.IsDefined(Layout)) throw new ArgumentOutOfRangeException(nameof(Layout), Layout, "is no layout");
        PdeBlock.Check(Expansion, Ball, Nonlinearity);
        if (LinearSkips is null || LinearSkips.Any(b => b < 0 || b >= BlocksPerStage.Sum()))
            throw new ArgumentException("Expected numbers of blocks", nameof(LinearSkips));
    }
}
