using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A network that was trained, as its last checkpoint has it, and its mean square errors.</summary>
internal sealed record TrainedOperator(string Name, nn.Module<Tensor, Tensor, Tensor> Network, double Train, double Test, TrainingResult Result)
{
    /// <summary>How many times the test error is the training error.</summary>
    public double Gap => Test / Train;
}

/// <summary>What the experiments have in common: training by mean square error with Adam, reloading from the file, errors, pictures.</summary>
internal abstract class DeepONetExperiment(RecipeContext context, OperatorTask task)
{
    protected const double LearningRate = 1e-3;

    // Often enough to see a curve; an epoch is a few steps.
    private const int Evaluations = 60;

    /// <summary>Input functions that are no draws of the space, to show.</summary>
    protected static readonly (string Name, Func<Tensor, Tensor> U)[] Showpieces =
    [
        ("u = x", x => x.clone()),
        ("u = sin πx", x => (x * Math.PI).sin()),
        ("u = sin 2πx", x => (x * (2 * Math.PI)).sin()),
        ("u = x sin 2πx", x => x * (x * (2 * Math.PI)).sin()),
    ];

    protected RecipeContext Context => context;

    protected OperatorTask Task => task;

    /// <summary>How the data are given, for the checkpoint's notes.</summary>
    protected abstract string Form { get; }

    public abstract Claim Run();

    /// <summary>The errors of a checkpoint on the run's test set, without training.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor, Tensor>>(checkpoint);
        network.to(context.Device);
        var (error, relative) = Errors(network, LoadTest());
        context.Output.Table($"{task.Name}: errors on test functions", ["model", "mean square", "root mean square / that of the truth"],
            [[checkpoint.ModelName!, error, relative]]);
    }

    protected abstract IDataset LoadTest();

    /// <summary>Trains a network with fresh weights; the run's own seed makes them.</summary>
    /// <param name="name">What it is, for tables and legends.</param>
    /// <param name="make">Makes it.</param>
    /// <param name="train">Training set.</param>
    /// <param name="test">Test set; watched while training, never used for it.</param>
    /// <param name="plan">How long.</param>
    /// <param name="folder">Folder within the run's; empty: the run's.</param>
    protected TrainedOperator Train(
        string name, Func<nn.Module<Tensor, Tensor, Tensor>> make, IDataset train, IDataset test, TrainingPlan plan, string folder)
    {
        random.manual_seed(unchecked((long)context.Seed));
        using var fresh = make();
        context.Output.Note($"{name}, parameters", StateDict.ParameterCount(fresh));
        var result = MakeTrainer($"Training {name}", fresh, plan, context.PathOf(folder)).Fit(train, test, context.Cancellation);
        var network = Zoo.Load<nn.Module<Tensor, Tensor, Tensor>>(result.LastCheckpoint!);
        network.to(context.Device);
        return new TrainedOperator(name, network, Errors(network, train).MeanSquare, Errors(network, test).MeanSquare, result);
    }

    protected (double MeanSquare, double Relative) Errors(nn.Module network, IDataset data)
    {
        var means = MakeTrainer("Evaluation", network, new TrainingPlan(1, 10_000, LearningRate), null).Evaluate(data);
        return (means["loss"], Math.Sqrt(means["loss"] / means["truth"]));
    }

    private Trainer MakeTrainer(string name, nn.Module model, TrainingPlan plan, string? directory) =>
        new(model, context.TrainerOptions(directory) with
        {
            Epochs = plan.Epochs,
            BatchSize = plan.BatchSize,
            EvaluationBatchSize = 10_000,
            EvaluateEvery = Math.Max(1, plan.Epochs / Evaluations),
            CheckpointEveryEpochs = Math.Max(1, plan.Epochs / Evaluations),
        })
        {
            Name = name,
            Callbacks = directory is null ? [] : context.Callbacks(name),
            Optimizer = p => new FusedAdam(p, plan.LearningRate),
            Step = Steps.SupervisedOperator((prediction, truth) => nn.functional.mse_loss(prediction, truth), ("truth", (_, truth) => truth.square().mean())),
            Notes = new Dictionary<string, string>(context.SizeAndSeed)
            {
                ["problem"] = task.Name,
                ["form"] = Form,
            },
            Progress = context.Progress,
        };

    protected void ShowErrors(string title, IEnumerable<TrainedOperator> networks) => context.Output.Table(title,
        ["network", "training MSE", "test MSE", "test / training"],
        networks.Select(n => (object[])[n.Name, n.Train, n.Test, n.Gap]));

    protected void DrawLearning(IReadOnlyList<TrainedOperator> networks) =>
        Save("learning.png", "mean square errors while training", new LinePlot
        {
            Title = $"{task.Name}: learning",
            XLabel = "epoch",
            YLabel = "mean square error",
            LogY = true,
            Series = [.. networks.SelectMany((n, i) => Curves(n, i))],
        }.Save);

    private static IEnumerable<Series> Curves(TrainedOperator network, int color)
    {
        var evaluated = network.Result.History.Where(h => h.Validation.ContainsKey("loss")).ToArray();
        double[] epochs = [.. evaluated.Select(h => h.Epoch + 1.0)];
        yield return new Series($"{network.Name}, training", epochs, [.. evaluated.Select(h => h.Training["loss"])]) { Color = color, Dashed = true };
        yield return new Series($"{network.Name}, test", epochs, [.. evaluated.Select(h => h.Validation["loss"])]) { Color = color };
    }

    /// <summary>Writes a file into the run's folder and says so.</summary>
    protected void Save(string name, string what, Action<string> save) => context.Save(name, what, save);

    protected void Save(string name, string what, Action<string, int, int> save) => Save(name, what, path => save(path, 640, 420));

    protected static double[] Curve(Tensor values) => [.. values.to(ScalarType.Float64).cpu().data<double>()];
}
