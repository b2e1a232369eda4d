using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What the recipes of arithmetic units have in common: ensembles that learn an arithmetic task from fresh examples.</summary>
internal static class ArithmeticRuns
{
    public const int BatchSize = 128;

    /// <summary>Squared error, the mean over a member's examples, the sum over members: each learns as if it were alone.</summary>
    public static TrainingStep Step { get; } = Steps.Supervised(Loss);

    public static Tensor Loss(Tensor prediction, Tensor target) => (prediction - target).square().mean([-2, -1]).sum();

    /// <summary>Trains an ensemble.</summary>
    /// <param name="context">The run.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="network">The ensemble.</param>
    /// <param name="data">Its examples.</param>
    /// <param name="steps">Updates.</param>
    /// <param name="optimizer">Makes the optimizer.</param>
    /// <param name="step">What is done in a step; null: <see cref="Step"/>.</param>
    /// <param name="schedule">The learning rate's course; null: constant.</param>
    /// <param name="note">What the run's own network learned, for its checkpoint in the run's folder; null: it is another one.</param>
    /// <param name="callbacks">Who looks on.</param>
    public static void Train(RecipeContext context, string name, nn.Module network, IStreamingDataset data, int steps,
        Func<IEnumerable<Parameter>, optim.Optimizer> optimizer, TrainingStep? step = null, Schedule? schedule = null,
        (string Name, string Text)? note = null, params IReadOnlyList<TrainerCallback> callbacks)
    {
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(note is null ? null : context.Directory) with { BatchSize = BatchSize })
        {
            Name = $"Training {name}",
            Callbacks = [.. context.Callbacks(name), .. callbacks],
            Optimizer = optimizer,
            Schedule = schedule ?? Schedules.Constant(),
            Step = step ?? Step,
            Notes = note is { } own ? new Dictionary<string, string>(context.SizeAndSeed) { [own.Name] = own.Text } : [],
            Progress = context.Progress,
        };
        trainer.Fit(data, steps, cancellation: context.Cancellation);
        network.eval();
    }

    /// <summary>Perceptrons side by side.</summary>
    /// <param name="members">How many.</param>
    /// <param name="widths">From inputs to outputs.</param>
    /// <param name="activation">Between layers.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Sequential Perceptrons(long members, long[] widths, string activation, ulong seed)
    {
        using var generator = new Generator(seed);
        var layers = new List<nn.Module<Tensor, Tensor>>();
        foreach (var (from, to) in widths.Zip(widths.Skip(1)))
        {
            if (layers.Count > 0) layers.Add(new PointwiseLayer(activation));
            layers.Add(new EnsembleLinear(members, from, to, generator));
        }
        return nn.Sequential(layers);
    }

    /// <summary>The middle of sorted values; of an even number the mean of both.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private sealed class PointwiseLayer(string activation) : nn.Module<Tensor, Tensor>(activation)
    {
        private readonly Func<Tensor, Tensor> _activation = Activations.Named(activation, nameof(activation));

        public override Tensor forward(Tensor x) => _activation(x);
    }
}
