using TorchSharp.Modules;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The initial weights with which gradients stay bounded at any depth: uniformly orthogonal.</summary>
/// <remarks>Source: Meterez et al. 2023, theorem 2.</remarks>
public static class OrthogonalInit
{
    /// <summary>Fills a weight with a random orthogonal matrix times a gain, in place; where it isn't square the shorter side's vectors are
    /// orthogonal.</summary>
    /// <param name="weight">(out, in), or (out, in, …) of a convolution, a matrix of out rows.</param>
    /// <param name="gain">Length of the rows or columns.</param>
    /// <param name="generator">Source of the random numbers, a CPU's; null: torch's default.</param>
    /// <returns>The weight.</returns>
    /// <exception cref="ArgumentException">It has less than two axes or no elements, or the gain isn't finite.</exception>
    public static Tensor Fill(Tensor weight, double gain = 1, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.dim() < 2 || weight.numel() == 0)
            throw new ArgumentException($"Expected (out, in, …) with an element at least, got ({string.Join(", ", weight.shape)})",
                nameof(weight));
        if (!double.IsFinite(gain)) throw new ArgumentException($"Expected a finite gain, got {gain}", nameof(gain));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        weight.copy_(RandomOrthogonal.Matrix(weight.shape[0], weight.numel() / weight.shape[0],
            generator).mul_(gain).reshape(weight.shape));
        return weight;
    }

    /// <summary>Gives every linear layer and convolution in a network such weights, and biases of 0.</summary>
    /// <param name="network">The network.</param>
    /// <param name="gain">Length of the rows or columns.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    public static void Apply(nn.Module network, double gain = 1, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var off = no_grad();
        foreach (var (name, parameter) in network.modules().Prepend(network).Distinct()
            .Where(m => m is Linear or Conv1d or Conv2d or Conv3d).SelectMany(m => m.named_parameters(recurse: false)))
            if (name == "weight") Fill(parameter, gain, generator);
            else if (name == "bias") parameter.zero_();
    }
}
