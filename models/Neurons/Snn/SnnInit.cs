using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The initial weights that self-normalisation needs. The framework's own have a third of the variance: activations would
/// shrink.</summary>
/// <remarks>Source: Klambauer et al. 2017, section "Initialization".</remarks>
public static class SnnInit
{
    /// <summary>Fills a weight with N(0, 1/fan-in), in place (LeCun normal).</summary>
    /// <param name="weight">(out, in), or (out, in, …) of a convolution, whose fan-in is channels times kernel.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <returns>The weight.</returns>
    /// <exception cref="ArgumentException">It has less than two axes, or no inputs.</exception>
    public static Tensor LecunNormal(Tensor weight, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        var shape = weight.shape;
        var fanIn = shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        if (shape.Length < 2 || fanIn == 0)
            throw new ArgumentException($"Expected (out, in, …) with an input at least, got ({string.Join(", ", shape)})", nameof(weight));
        using var off = no_grad();
        return weight.normal_(0, 1 / Math.Sqrt(fanIn), generator);
    }

    /// <summary>Gives every linear layer and convolution in a network such weights, and biases of 0.</summary>
    /// <param name="network">The network.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    public static void Apply(nn.Module network, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var off = no_grad();
        foreach (var module in network.modules().Prepend(network))
        {
            var (weight, bias) = module switch
            {
                Linear l => (l.weight, l.bias),
                Conv1d c => (c.weight, c.bias),
                Conv2d c => (c.weight, c.bias),
                Conv3d c => (c.weight, c.bias),
                _ => (null, null),
            };
            if (weight is not null) LecunNormal(weight, generator);
            bias?.zero_();
        }
    }
}
