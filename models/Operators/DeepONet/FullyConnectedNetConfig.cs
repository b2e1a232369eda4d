namespace TorchZoo.Models.Operators;

/// <summary>What a <see cref="FullyConnectedNet"/> or a <see cref="StackedBranchNet"/> is made of.</summary>
public sealed record FullyConnectedNetConfig
{
    /// <summary>Widths from the input to the output. In a <see cref="StackedBranchNet"/> the last one is the number of nets.</summary>
    public required IReadOnlyList<long> LayerSizes { get; init; }

    /// <summary>Activation between the layers (<see cref="Activations.Names"/>).</summary>
    public string Activation { get; init; } = "relu";

    /// <summary>Initialisation of the weights (<see cref="Initializers.Names"/>); biases start at 0.</summary>
    public string KernelInitializer { get; init; } = "Glorot normal";

    /// <summary>The last layer has a bias; the others always have one.</summary>
    public bool UseBias { get; init; } = true;

    /// <summary>Drop-out probability after each activation while training.</summary>
    public double DropoutRate { get; init; }

    /// <param name="net">What the message calls the net.</param>
    /// <exception cref="ArgumentException">An option is out of range or unknown.</exception>
    internal void Validate(string net)
    {
        Widths(LayerSizes, $"{net}: {nameof(LayerSizes)}");
        Activations.Named(Activation, $"{net}: {nameof(Activation)}");
        Initializers.Check(KernelInitializer, $"{net}: {nameof(KernelInitializer)}");
        if (DropoutRate is not (>= 0 and < 1))
            throw new ArgumentException($"Expected a probability below 1, got {DropoutRate}", $"{net}: {nameof(DropoutRate)}");
    }

    internal static void Widths(IReadOnlyList<long>? sizes, string parameter)
    {
        if (sizes is null || sizes.Count < 2 || sizes.Any(s => s < 1))
            throw new ArgumentException(
                $"Expected two or more positive widths, from the input to the output, got [{string.Join(", ", sizes ?? [])}]", parameter);
    }
}
