using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Compression;

/// <summary>A multilayer perceptron with ReLU whose hidden layers are sparse from the start, with masks drawn at random.</summary>
[Paper("sparseprop", "SparseProp: Efficient Sparse Backpropagation for Faster Training of Neural Networks", "2302.04852", 2023)]
[Model("sparseprop")]
public sealed class SparseProp : Module<Tensor, Tensor>, IConfigured
{
    private readonly Sequential layers;

    /// <summary>A network with fresh weights: those of <c>nn.Linear</c>, larger by 1/√(1 − s), so that outputs vary as much as those of a dense
    /// layer.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A width isn't positive, or the sparsity not in [0, 1].</exception>
    public SparseProp(SparsePropConfig config, Generator? generator = null) : base(nameof(SparseProp))
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        long[] widths = [config.InFeatures, .. config.HiddenFeatures, config.OutFeatures];
        if (widths.Any(w => w < 1))
            throw new ArgumentException($"expected widths of at least 1, got {string.Join(", ", widths)}", nameof(config));
        _ = SparsityMask.Kept(0, config.Sparsity);
        layers = Sequential();
        for (var i = 0; i + 1 < widths.Length; i++)
        {
            if (i > 0) layers.append($"relu{i}", ReLU());
            layers.append($"fc{i + 1}", Layer(widths[i], widths[i + 1], i + 2 < widths.Length ? config.Sparsity : 0, generator));
        }
        RegisterComponents();
    }

    /// <summary>What it is made of.</summary>
    public SparsePropConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Outputs of flattened inputs.</summary>
    /// <param name="input">(batch, …) of <see cref="SparsePropConfig.InFeatures"/> features each.</param>
    /// <returns>(batch, out)</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        return layers.call(input.flatten(1)).MoveToOuterDisposeScope();
    }

    // Uniform in ±1/√in, weight and bias, as nn.Linear's.
    private static Module<Tensor, Tensor> Layer(long inputs, long outputs, double sparsity, Generator? generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var bound = 1 / Math.Sqrt(inputs);
        Tensor weight = (rand([outputs, inputs], generator: generator) * 2 - 1) * bound,
            bias = (rand(outputs, generator: generator) * 2 - 1) * bound;
        if (sparsity > 0)
        {
            // At 1 nothing is left to scale.
            var scale = sparsity < 1 ? 1 / Math.Sqrt(1 - sparsity) : 0;
            return new SparseLinear(weight * scale, bias, SparsityMask.Random([outputs, inputs], sparsity, generator));
        }
        var linear = Linear(inputs, outputs);
        linear.weight!.copy_(weight);
        linear.bias!.copy_(bias);
        return linear;
    }
}
