namespace TorchZoo.Models.Operators;

/// <summary>What a <see cref="Operators.ConvolutionalBranch"/> is made of; the defaults are those of the Darcy experiment in Lu et al. 2022
/// (arXiv 2111.05512).</summary>
public sealed record ConvolutionalBranchConfig
{
    /// <summary>Channels, height and width of an input function.</summary>
    public required IReadOnlyList<long> InputShape { get; init; }

    /// <summary>Channels of the convolutions.</summary>
    public IReadOnlyList<long> Channels { get; init; } = [64, 128];

    /// <summary>Points that a filter spans along each axis.</summary>
    public long KernelSize { get; init; } = 5;

    /// <summary>Points from one place of a filter to the next.</summary>
    public long Stride { get; init; } = 2;

    /// <summary>Widths of the linear layers after them; the last is the number of features.</summary>
    public required IReadOnlyList<long> LayerSizes { get; init; }

    /// <summary>Activation after each layer but the last (<see cref="Activations.Names"/>).</summary>
    public string Activation { get; init; } = "relu";

    /// <summary>Initialisation of the weights (<see cref="Initializers.Names"/>); biases start at 0.</summary>
    public string KernelInitializer { get; init; } = "Glorot normal";

    /// <summary>Values that the convolutions leave of an input.</summary>
    internal long Flattened => Channels[^1] * Remaining(InputShape[1]) * Remaining(InputShape[2]);

    private long Remaining(long size) => Channels.Aggregate(size, (s, _) => s < KernelSize ? 0 : (s - KernelSize) / Stride + 1);

    /// <exception cref="ArgumentException">An option is out of range or unknown.</exception>
    internal void Validate()
    {
        if (InputShape is not { Count: 3 } || InputShape.Any(s => s < 1))
            throw new ArgumentException(
                $"Branch: expected channels, height and width, got [{string.Join(", ", InputShape ?? [])}]", nameof(InputShape));
        if (Channels is null || Channels.Count == 0 || Channels.Any(c => c < 1))
            throw new ArgumentException(
                $"Branch: expected channels of one or more convolutions, got [{string.Join(", ", Channels ?? [])}]", nameof(Channels));
        FnoConfig.Positive(KernelSize, nameof(KernelSize));
        FnoConfig.Positive(Stride, nameof(Stride));
        if (LayerSizes is null || LayerSizes.Count == 0 || LayerSizes.Any(s => s < 1))
            throw new ArgumentException(
                $"Branch: expected one or more positive widths, got [{string.Join(", ", LayerSizes ?? [])}]", nameof(LayerSizes));
        if (Flattened == 0)
            throw new ArgumentException(
                $"Branch: {Channels.Count} convolutions with kernel {KernelSize} and stride {Stride} leave nothing of "
                + $"{InputShape[1]} × {InputShape[2]} points", nameof(InputShape));
        Activations.Named(Activation, $"branch: {nameof(Activation)}");
        Initializers.Check(KernelInitializer, $"branch: {nameof(KernelInitializer)}");
    }
}
