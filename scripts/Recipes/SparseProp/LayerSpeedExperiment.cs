using System.Globalization;
using TorchZoo.Kernels;
using TorchZoo.Models.Compression;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Forward pass and both products of the backward pass, transposes included, of single layers, on one thread: sparse against
/// dense.</summary>
internal sealed class LayerSpeedExperiment(RecipeContext context)
{
    private static readonly double[] Sparsities = [0.8, 0.9, 0.95, 0.98, 0.99];

    /// <summary>A layer and what is asked of it.</summary>
    /// <param name="Name">What it is.</param>
    /// <param name="Input">Shape of its input.</param>
    /// <param name="Weight">Shape of its weight.</param>
    /// <param name="Asked">Sparsities and how many times faster than dense.</param>
    private sealed record Case(string Name, long[] Input, long[] Weight, params (double Sparsity, double Ratio)[] Asked);

    private static readonly Case[] Tiny =
        [new("linear 32 → 16", [8, 32], [16, 32], (0.95, 1)), new("convolution 4 → 4, 6²", [2, 4, 6, 6], [4, 4, 3, 3])];

    private IReadOnlyList<Case> Cases => context.Size == RunSize.Smoke ? Tiny :
    [
        new("linear 1024 → 1024, batch 128", [128, 1024], [1024, 1024], (0.95, 3), (0.99, 8)),
        new("linear 512 → 256, batch 128", [128, 512], [256, 512], (0.95, 1.3)),
        new("linear 2048 → 2048, batch 64", [64, 2048], [2048, 2048]),
        new("convolution 128 → 128, 8², batch 32", [32, 128, 8, 8], [128, 128, 3, 3], (0.95, 2), (0.99, 2.5)),
        new("convolution 64 → 64, 16², batch 32", [32, 64, 16, 16], [64, 64, 3, 3]),
        new("convolution 32 → 32, 32², batch 32", [32, 32, 32, 32], [32, 32, 3, 3]),
    ];

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        var conditions = new List<Condition>();
        var curves = new List<Series>();
        var rows = new List<object[]>();
        (double Ratio, double Asked)? first = null;
        foreach (var layer in Cases)
        {
            var times = Measure(layer, generator);
            var ratios = times.Skip(1).Select(t => times[0] / t).ToArray();
            curves.Add(new(layer.Name.Split(',')[0], [.. Sparsities.Select(s => s * 100)], ratios));
            rows.Add([layer.Name, times[0], .. ratios.Cast<object>()]);
            foreach (var (sparsity, asked) in layer.Asked)
            {
                var ratio = ratios[Array.IndexOf(Sparsities, sparsity)];
                first ??= (ratio, asked);
                conditions.Add(new(string.Create(CultureInfo.InvariantCulture,
                    $"{layer.Name}: {asked} times faster at {sparsity:P0} ({ratio:0.0})"), ratio >= asked));
            }
        }
        context.Output.Table("times faster than dense",
            ["layer", "dense (ms)", .. Sparsities.Select(s => s.ToString("P0", CultureInfo.InvariantCulture))], rows);
        context.Save("layers.png", "how many times faster than dense by sparsity", path => new LinePlot
        {
            Title = "Forward and backward pass, one thread",
            XLabel = "share of zeros (%)",
            YLabel = "times faster than dense",
            LogY = true,
            Series = curves,
        }.Save(path, 720, 480));
        return new Claim(SparsePropRecipe.Name, $"times faster, {Cases[0].Name}, 95 % zeros", first!.Value.Ratio, first.Value.Asked, 1, conditions);
    }

    // Of the dense layer, then of sparse ones.
    private double[] Measure(Case layer, Generator generator)
    {
        using var scope = NewDisposeScope();
        Tensor weight = randn(layer.Weight, generator: generator), bias = zeros(layer.Weight[0]),
            x = randn(layer.Input, generator: generator).requires_grad_();
        SparseLayer Sparse(double sparsity)
        {
            var mask = SparsityMask.Random(layer.Weight, sparsity, generator);
            return layer.Weight.Length == 2 ? new SparseLinear(weight, bias, mask) : new SparseConv2d(weight, bias, padding: 1, mask: mask);
        }
        nn.Module<Tensor, Tensor> dense = Sparse(0) switch { SparseLinear l => l.ToDense(), var c => ((SparseConv2d)c).ToDense() };
        var rounds = context.Pick(1, 21, 101);
        return InterleavedTimes.OnOneThread(rounds, [Pass(dense), .. Sparsities.Select(s => Pass(Sparse(s)))], context.Cancellation);

        Action Pass(nn.Module<Tensor, Tensor> module)
        {
            using var once = module.call(x);
            var gradient = ones_like(once);
            return () =>
            {
                using var step = NewDisposeScope();
                module.call(x).backward([gradient]);
                x.grad = null;
                module.zero_grad();
            };
        }
    }
}
