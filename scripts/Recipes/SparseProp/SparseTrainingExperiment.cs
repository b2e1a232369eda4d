using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Kernels;
using TorchZoo.Models.Compression;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A network that was trained.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Sparsity">Share of zeros in its hidden layers.</param>
/// <param name="Network">The network of the last epoch.</param>
/// <param name="Accuracy">On the test set.</param>
/// <param name="Result">How it went.</param>
internal sealed record TrainedClassifier(string Name, double Sparsity, SparseProp Network, double Accuracy, TrainingResult Result);

/// <summary>Perceptrons on Fashion-MNIST, dense and with different shares of zeros.</summary>
internal sealed class SparseTrainingExperiment(RecipeContext context, string method)
{
    private const int BatchSize = 128, TimedSteps = 31;
    private const string Accuracy = "accuracy";

    // What the claim allows.
    private const double AccuracyLoss = 0.02, TimeShare = 0.6;

    private static readonly TrainingStep Step = Steps.Supervised((p, t) => nn.functional.cross_entropy(p, t),
        (Accuracy, (p, t) => p.argmax(1).eq(t).to(ScalarType.Float32).mean()));

    private int Epochs => context.Epochs ?? context.Pick(1, 3, 20);

    private long Width => context.Pick(64, 1024, 1024);

    private LabelledImages Load() => RecipeImages.FashionMnistOrDigits(context,
        new ImageOptions
        {
            Train = context.Pick(512L, 20_000L, 60_000L),
            Test = context.Pick(256L, 10_000L, 10_000L),
            Mean = FashionMnist.Mean,
            Std = FashionMnist.Std,
        },
        new ImageOptions { Train = context.Pick(512L, 1400L, 1400L) });

    public Claim Run(double[] sparsities)
    {
        using var scope = NewDisposeScope();
        using var data = Load();
        context.Output.Note("training images", data.Train.Count);
        context.Output.Note("zeros", TrainingMethods.Describe(method));
        TrainedClassifier[] nets = [Train(data, null), .. sparsities.Select(s => Train(data, s, isMain: s == sparsities[0]))];
        var times = StepTimes(nets, data);
        context.Output.Table(data.Title, ["network", "stored weights", "test accuracy", "step (ms)", "of dense"],
            nets.Select((n, i) => (object[])[n.Name, StoredWeights(n.Network), n.Accuracy, times[i], times[i] / times[0]]));
        Draw(data, nets, times);
        return Judge(nets, times);
    }

    /// <summary>The test accuracy of a checkpoint.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var data = Load();
        using var network = Zoo.Load<SparseProp>(checkpoint);
        context.Output.Table(data.Title, ["network", "stored weights", "sparsity", "test accuracy"],
            [[checkpoint.ModelName!, StoredWeights(network), MagnitudePruner.Sparsity(network), Test(network, data.Test)]]);
    }

    private TrainedClassifier Train(LabelledImages data, double? sparsity, bool isMain = false)
    {
        using var generator = new Generator(context.Seed);
        using var fresh = new SparseProp(new SparsePropConfig
        {
            InFeatures = data.Train.Inputs.shape[1..].Aggregate(1L, (a, b) => a * b),
            HiddenFeatures = [Width, Width],
            OutFeatures = data.ClassNames.Count,
            Sparsity = sparsity is { } s ? TrainingMethods.Initial(method, s) : 0,
        }, generator);
        var name = sparsity is { } share ? string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.##} % sparse") : "dense";
        var steps = Epochs * ((data.Train.Count + BatchSize - 1) / BatchSize);
        var callback = sparsity is { } final ? TrainingMethods.Callback(method, final, steps) : null;
        // The first sparse network is what the run is about: its checkpoints are in the run's folder itself.
        var trainer = new Trainer(fresh, context.TrainerOptions(context.PathOf(isMain ? "" : name.Replace(" % ", "-"))) with
        {
            Epochs = Epochs,
            BatchSize = BatchSize,
            EvaluationBatchSize = 1000,
            Monitor = Accuracy,
            MonitorMaximum = true,
        })
        {
            Name = $"Training {name}",
            Callbacks = [.. context.Callbacks(name), .. callback is null ? [] : new[] { callback }],
            Optimizer = p => new FusedSgd(p, 0.05, 0.9),
            Step = Step,
            Notes = new Dictionary<string, string>
            {
                [Recipe.NoteName] = SparsePropRecipe.Name,
                ["size"] = context.Size.ToString(),
                ["method"] = method,
            },
            Progress = context.Progress,
        };
        var result = trainer.Fit(data.Train, data.Test, context.Cancellation);
        var again = Zoo.Load<SparseProp>(result.LastCheckpoint!);
        again.to(context.Device);
        return new(name, MagnitudePruner.Sparsity(again, new HashSet<string> { "layers.fc3" }), again, Test(again, data.Test), result);
    }

    private double Test(SparseProp network, PairDataset data) =>
        new Trainer(network, context.TrainerOptions(null) with { EvaluationBatchSize = 1000 }) { Step = Step }.Evaluate(data)[Accuracy];

    // Whole steps: forward and backward pass, update.
    private double[] StepTimes(TrainedClassifier[] nets, LabelledImages data)
    {
        var count = Math.Min(BatchSize, data.Train.Count);
        Tensor x = data.Train.Inputs.narrow(0, 0, count).to(context.Device), y = data.Train.Targets.narrow(0, 0, count).to(context.Device);
        return InterleavedTimes.Measure(context.Pick(3, TimedSteps, TimedSteps), [.. nets.Select(n => Steps(n.Network))], context.Cancellation);

        Action Steps(SparseProp network)
        {
            // Of the weights as they are: so small a rate leaves them.
            var optimizer = new FusedSgd(network.parameters(), 1e-30, 0.9);
            return () =>
            {
                using var step = NewDisposeScope();
                nn.functional.cross_entropy(network.call(x), y).backward();
                optimizer.step();
                optimizer.zero_grad();
            };
        }
    }

    private static long StoredWeights(SparseProp network) => network.parameters().Sum(p => p.numel());

    private void Draw(LabelledImages data, TrainedClassifier[] nets, double[] times)
    {
        context.Save("learning.png", "test accuracy while training", path => new LinePlot
        {
            Title = $"{data.Title}: {TrainingMethods.Describe(method)}",
            XLabel = "step",
            YLabel = "test accuracy",
            Series = [.. nets.Select(n =>
            {
                var evaluated = n.Result.History.Where(h => h.Validation.ContainsKey(Accuracy)).ToArray();
                return new Series(n.Name, [.. evaluated.Select(h => (double)h.Step)], [.. evaluated.Select(h => h.Validation[Accuracy])]);
            })],
        }.Save(path, 640, 420));
        context.Save("speed.png", "time of a training step by sparsity", path => new LinePlot
        {
            Title = "A whole training step",
            XLabel = "share of zeros (%)",
            YLabel = "time (ms)",
            Series = [new("measured", [.. nets.Zip(times).OrderBy(n => n.First.Sparsity).Select(n => n.First.Sparsity * 100)],
                [.. nets.Zip(times).OrderBy(n => n.First.Sparsity).Select(n => n.Second)]),
                new("dense", [0, 100], [times[0], times[0]])],
        }.Save(path, 640, 420));
        var side = data.Train.Inputs.shape[^1];
        FieldPanel[] panels = [.. nets.Skip(1).Select(n => Panel(n.Name, n.Network, side))];
        context.Save("pixels.png", "how many weights each pixel has in the first layer",
            new FieldPicture { Title = $"Weights of each pixel in the first layer: {TrainingMethods.Describe(method)}", Rows = [panels] }.Save);
    }

    private static FieldPanel Panel(string name, SparseProp network, long side)
    {
        using var scope = NewDisposeScope();
        var first = network.modules().OfType<SparseLayer>().First();
        return new FieldPanel(name, first.Mask().to(ScalarType.Float32).sum([0]).reshape(-1, side)) { Colors = ColorScale.Magnitude };
    }

    private static Claim Judge(TrainedClassifier[] nets, double[] times)
    {
        var (dense, sparse) = (nets[0], nets[1]);
        var share = times[1] / times[0];
        return new Claim(SparsePropRecipe.Name, $"test accuracy, {sparse.Name}", sparse.Accuracy, dense.Accuracy - AccuracyLoss, dense.Accuracy,
        [
            new(string.Create(CultureInfo.InvariantCulture,
                $"accuracy within {AccuracyLoss} of dense ({sparse.Accuracy:0.###}, dense {dense.Accuracy:0.###})"),
                sparse.Accuracy >= dense.Accuracy - AccuracyLoss),
            new(string.Create(CultureInfo.InvariantCulture,
                $"a training step takes at most {TimeShare} of a dense one's time ({share:0.00})"), share <= TimeShare),
        ]);
    }
}
