using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>The loss of one time step: (1 − λ) · cross-entropy + λ · mean squared error, means over the batch (SLTT, section 5).</summary>
public sealed record SpikingLoss
{
    private readonly double _mseWeight = 0.05;

    /// <summary>λ, in [0, 1].</summary>
    /// <exception cref="ArgumentException">Out of its range.</exception>
    public double MseWeight
    {
        get => _mseWeight;
        init => _mseWeight = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "expected a share from 0 to 1");
    }

    /// <summary>What the squared error draws outputs to.</summary>
    public MseTarget Target { get; init; } = MseTarget.Constant;

    /// <summary>The constant of <see cref="MseTarget.Constant"/>.</summary>
    public double Constant { get; init; } = 1;

    /// <summary>The loss, a scalar.</summary>
    /// <param name="output">(batch, classes), of one time step.</param>
    /// <param name="labels">int64 (batch), the classes' numbers.</param>
    public Tensor Of(Tensor output, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        var loss = nn.functional.cross_entropy(output, labels);
        if (MseWeight > 0)
        {
            var target = Target == MseTarget.OneHot ? nn.functional.one_hot(labels, output.shape[1]).to(output.dtype)
                : full_like(output, Constant);
            loss = loss * (1 - MseWeight) + (output - target).square().mean() * MseWeight;
        }
        return loss.MoveToOuterDisposeScope();
    }
}
