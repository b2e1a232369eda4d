using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Turns a network of linear layers into a bundled one: y = W₂ f(W₁ x) ≈ (W₂ Ψ₁) Φ₁(x), layer after layer from the input, until
/// one matrix is left.</summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 3.2.</remarks>
public static class SnnkBundler
{
    /// <summary>Bundles a network.</summary>
    /// <param name="network">Linear layers with other modules (activations) between them, a linear layer last. It is left as it is.</param>
    /// <param name="features">m of each layer but the last.</param>
    /// <param name="kind">The kernel to take in place of the activations, whatever these are.</param>
    /// <param name="options">The features' options; null: the defaults.</param>
    /// <param name="generator">Source of the projections; null: torch's default.</param>
    /// <returns>A network of out · m weights and out biases.</returns>
    /// <exception cref="ArgumentException">The network has another form, a number of features is missing, or a hidden layer has a bias and
    /// the kernel has none.</exception>
    public static FullyBundledNetwork Bundle(Sequential network, IReadOnlyList<long> features, SnnkKind kind = SnnkKind.Relu,
        SnnkOptions? options = null, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(features);
        nn.Module[] modules = [.. network.children()];
        Linear[] layers = [.. modules.OfType<Linear>()];
        if (layers.Length < 2 || modules[0] != layers[0] || modules[^1] != layers[^1]
            || modules.Except(layers).Any(m => m.parameters().Any()))
            throw new ArgumentException("Expected linear layers with modules without parameters between them, a linear one first and last",
                nameof(network));
        if (features.Count != layers.Length - 1)
            throw new ArgumentException($"Expected {layers.Length - 1} numbers of features, got {features.Count}", nameof(features));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var maps = new List<RandomFeatures>();
        // The next layer's weights, on the features so far.
        var weight = layers[0].weight!.detach();
        for (var i = 0; i < features.Count; i++)
        {
            var map = SnnkLayers.Map(kind, weight.shape[1], features[i], options ?? new SnnkOptions(), generator);
            map.to(weight.dtype).to(weight.device);
            maps.Add(map);
            weight = layers[i + 1].weight!.matmul(map.WeightFeatures(weight, layers[i].bias));
        }
        var bundled = new FullyBundledNetwork(maps, weight.shape[0]);
        bundled.to(weight.dtype).to(weight.device);
        bundled.Weights.copy_(weight);
        if (layers[^1].bias is { } bias) bundled.Bias.copy_(bias);
        return bundled;
    }
}
