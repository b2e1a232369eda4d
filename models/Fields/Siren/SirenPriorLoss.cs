using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The loss of a hypernetwork prior: mean (Φ − f)² + λ_z mean z² + λ_w Σw²/#w, z the latent vectors and w the fields'
/// parameters.</summary>
/// <remarks>Source: Sitzmann et al. 2020, section 4.4, with the weights of the reference implementation.</remarks>
public sealed record SirenPriorLoss
{
    /// <summary>λ_z</summary>
    public double Latent { get; init; } = 0.1;

    /// <summary>λ_w</summary>
    public double Weights { get; init; } = 100;

    /// <summary>The loss.</summary>
    /// <param name="output">What the prior computed.</param>
    /// <param name="target">f (batch, points, c)</param>
    /// <param name="mask">As in <see cref="ImageLoss.Mse"/>.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor Loss(SirenPriorOutput output, Tensor target, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var scope = NewDisposeScope();
        var squares = output.Parameters.Values.Select(w => w.square().sum()).Aggregate((a, b) => a + b);
        var count = output.Parameters.Values.Sum(w => w.numel());
        return (ImageLoss.Mse(output.Values, target, mask) + Latent * output.Latent.square().mean() + Weights / count * squares)
            .MoveToOuterDisposeScope();
    }
}
