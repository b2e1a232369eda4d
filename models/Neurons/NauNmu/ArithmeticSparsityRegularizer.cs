using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The term that draws the weights of all NAUs and NMUs in a network to whole numbers: λ(t) Σ_layers R, and for layers that keep
/// their bounds by a penalty that one, too.</summary>
/// <param name="ramp">λ(t).</param>
/// <param name="shape">The shape of R.</param>
/// <remarks>Source: Madsen and Johansen 2020, section 2.2.</remarks>
public sealed class ArithmeticSparsityRegularizer(RegularizerRamp ramp, RegularizerShape shape = RegularizerShape.Linear)
{
    /// <summary>λ(t).</summary>
    public RegularizerRamp Ramp { get; } = ramp ?? throw new ArgumentNullException(nameof(ramp));

    /// <summary>The term to add to the loss in a step.</summary>
    /// <param name="network">The network, or a layer.</param>
    /// <param name="step">Number of the step.</param>
    /// <returns>A scalar; null while λ(t) is 0.</returns>
    public Tensor? Loss(nn.Module network, long step)
    {
        ArgumentNullException.ThrowIfNull(network);
        var weight = Ramp.At(step);
        BoundedLayer[] layers = weight == 0 ? [] : [.. Layers(network)];
        if (layers.Length == 0) return null;
        using var scope = NewDisposeScope();
        var terms = layers.Select(l => l.SparsityLoss(shape))
            .Concat(layers.Where(l => l.OutOfBounds == OutOfBounds.Penalty).Select(l => l.OutOfBoundsLoss()));
        return (weight * terms.Aggregate((a, b) => a + b)).MoveToOuterDisposeScope();
    }

    /// <summary>Puts the weights of all NAUs and NMUs in a network back within their bounds.</summary>
    public static void ClampParameters(nn.Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        foreach (var layer in Layers(network)) layer.ClampParameters();
    }

    private static IEnumerable<BoundedLayer> Layers(nn.Module network) =>
        network is BoundedLayer layer ? [layer] : network.modules().OfType<BoundedLayer>();
}
