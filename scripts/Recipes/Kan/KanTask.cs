using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>f(x, y) = exp(sin(πx) + y²) on [−1, 1]², 1000 points to train on and 1000 to test with.</summary>
internal sealed class KanTask
{
    public const long Samples = 1000;

    public KanTask(RecipeContext context, ScalarType type)
    {
        Context = context;
        using var generator = new Generator(context.Seed);
        (Train, TrainValues) = Draw();
        (Test, TestValues) = Draw();

        (Tensor X, Tensor Y) Draw()
        {
            var x = (rand([Samples, 2], ScalarType.Float64, generator: generator) * 2 - 1).to(type).to(context.Device);
            return (x, Values(x));
        }
    }

    public RecipeContext Context { get; }

    public Tensor Train { get; }

    public Tensor TrainValues { get; }

    public Tensor Test { get; }

    public Tensor TestValues { get; }

    public static Tensor Values(Tensor x)
    {
        using var scope = NewDisposeScope();
        return ((x.narrow(1, 0, 1) * Math.PI).sin() + x.narrow(1, 1, 1).square()).exp().MoveToOuterDisposeScope();
    }

    public double TestError(nn.Module<Tensor, Tensor> network)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return (network.call(Test) - TestValues).square().mean().sqrt().to(ScalarType.Float64).item<double>();
    }

    /// <summary>Adam over all samples, the rate falling to <paramref name="last"/> along a cosine.</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="rate">The first rate.</param>
    /// <param name="last">The last one.</param>
    /// <param name="steps">How many.</param>
    /// <param name="before">Is called before each step; if it says so, parameters have changed and the optimizer starts anew.</param>
    public void Adam(nn.Module<Tensor, Tensor> network, double rate, double last, int steps, Func<int, bool>? before = null)
    {
        var optimizer = new FusedAdam(network.parameters().Where(p => p.requires_grad), rate);
        try
        {
            for (var i = 0; i < steps; i++)
            {
                Context.Cancellation.ThrowIfCancellationRequested();
                if (before?.Invoke(i) is true)
                {
                    optimizer.Dispose();
                    optimizer = new FusedAdam(network.parameters().Where(p => p.requires_grad), rate);
                }
                foreach (var group in optimizer.ParamGroups) group.LearningRate = last + (rate - last) * (1 + Math.Cos(Math.PI * i / steps)) / 2;
                using var step = NewDisposeScope();
                (network.call(Train) - TrainValues).square().mean().backward();
                optimizer.step();
                optimizer.zero_grad();
            }
        }
        finally { optimizer.Dispose(); }
    }

    /// <summary>L-BFGS with line search.</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="steps">Steps of up to 20 iterations.</param>
    /// <param name="loss">The loss; null: the mean square.</param>
    /// <param name="before">As for <see cref="Adam"/>.</param>
    public void Lbfgs(nn.Module<Tensor, Tensor> network, int steps, Func<Tensor>? loss = null, Func<int, bool>? before = null)
    {
        var optimizer = Make();
        try
        {
            for (var i = 0; i < steps; i++)
            {
                Context.Cancellation.ThrowIfCancellationRequested();
                if (before?.Invoke(i) is true)
                {
                    optimizer.Dispose();
                    optimizer = Make();
                }
                using var step = NewDisposeScope();
                optimizer.step(() =>
                {
                    optimizer.zero_grad();
                    var value = loss?.Invoke() ?? (network.call(Train) - TrainValues).square().mean();
                    value.backward();
                    return value;
                });
            }
        }
        finally { optimizer.Dispose(); }

        // In float64 the usual tolerances would end it at an RMSE of 10⁻⁴.
        Lbfgs Make() => Train.dtype == ScalarType.Float64
            ? new(network.parameters().Where(p => p.requires_grad), toleranceGrad: 1e-12, toleranceChange: 1e-16)
            : new(network.parameters().Where(p => p.requires_grad));
    }

    /// <summary>Draws the curves of all edges that are on.</summary>
    public void DrawEdges(Kan network, string name, string what)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var trace = network.Trace(Train);
        var plots = new List<LinePlot>();
        for (var l = 0; l < network.Layers.Count; l++)
            for (var j = 0L; j < network.Layers[l].OutFeatures; j++)
                for (var i = 0L; i < network.Layers[l].InFeatures; i++)
                {
                    var known = network.SymbolicLayers[l].Functions.GetValueOrDefault((i, j));
                    var y = trace.Edges[l].select(1, j).select(1, i);
                    if (y.abs().max().to(ScalarType.Float64).item<double>() == 0) continue;
                    var (sorted, order) = trace.Inputs[l].select(1, i).sort(0);
                    plots.Add(new LinePlot
                    {
                        Title = $"layer {l + 1}: {i + 1} → {j + 1}{(known is null ? "" : $", {known.Name}")}",
                        Series = [new("φ", Numbers(sorted), Numbers(y.index_select(0, order)))],
                    });
                }
        if (plots.Count > 0) Context.Save(name, what, path => LinePlot.SaveGrid(path, plots, Math.Min(5, plots.Count), 300, 240));

        static double[] Numbers(Tensor x) => x.to(ScalarType.Float64).cpu().data<double>().ToArray();
    }

    /// <summary>Writes the run's network, for <c>evaluate</c>.</summary>
    public void Save(Kan network) =>
        Context.Save("last.pt", "the network, as Zoo.Load reads it", path => Zoo.Save(network, path, Context.SizeAndSeed));

    public static long Parameters(nn.Module network) => network.parameters().Where(p => p.requires_grad).Sum(p => p.numel());
}
