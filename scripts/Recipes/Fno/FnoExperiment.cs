using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Pairs of functions for learning an operator.</summary>
/// <param name="Train">Training set at the training resolution, not normalised.</param>
/// <param name="Tests">Test sets by resolution; the same functions at each.</param>
internal sealed record OperatorData(PairDataset Train, IReadOnlyDictionary<long, PairDataset> Tests);

/// <summary>What the operator is compared with.</summary>
/// <param name="Errors">Mean relative L2 error by resolution.</param>
/// <param name="Predict">From functions to functions, if it is a network.</param>
internal sealed record Baseline(IReadOnlyDictionary<long, double> Errors, Func<Tensor, Tensor>? Predict = null);

/// <summary>
/// What the three equations have in common: generate, normalise, train, reload from the file, evaluate at every resolution, compare, draw.
/// </summary>
internal abstract class FnoExperiment(RecipeContext context)
{
    private const double WeightDecay = 1e-4;
    private const double WarmUp = 0.1;

    protected RecipeContext Context => context;

    /// <summary>Name of the equation on the command line.</summary>
    protected abstract string Equation { get; }

    /// <summary>Points along an axis in training.</summary>
    protected abstract long TrainingResolution { get; }

    protected abstract FnoConfig Config { get; }

    protected abstract TrainingPlan Plan { get; }

    /// <summary>Draws and solves, or reads what an earlier run kept.</summary>
    protected abstract OperatorData LoadData();

    /// <summary>Makes the baseline and measures it.</summary>
    protected abstract Baseline MakeBaseline(OperatorData data, Normalisers normalisers);

    /// <summary>What the baseline is, for tables and legends.</summary>
    protected abstract string BaselineName { get; }

    /// <summary>The claim that the errors support or not.</summary>
    protected abstract Claim Judge(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline);

    /// <summary>Pictures of predictions.</summary>
    protected abstract void Draw(OperatorData data, Func<Tensor, Tensor> predict, Baseline baseline);

    protected virtual Normalisers FitNormalisers(PairDataset train) => Normalisers.Fit(train);

    /// <summary>How a batch is trained on: by default, the relative L2 error of the decoded prediction.</summary>
    protected virtual TrainingStep MakeStep(Normalisers normalisers) =>
        Steps.Supervised((prediction, truth) => RelativeL2.Loss(normalisers.Output.Decode(prediction), truth));

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var data = LoadData();
        var normalisers = FitNormalisers(data.Train);
        random.manual_seed(unchecked((long)context.Seed));
        using var model = new Fno(Config);
        context.Output.Note("training functions", data.Train.Count);
        context.Output.Note("parameters", StateDict.ParameterCount(model));

        var trainer = MakeTrainer("Training the FNO", model, normalisers, Plan, context.Directory);
        var tests = EncodedTests(data, normalisers);
        var result = trainer.Fit(normalisers.Encode(data.Train), tests[TrainingResolution], context.Cancellation);

        // From here on the network is the one in the file. It is the last epoch's: the best one was chosen by its test error.
        using var again = Zoo.Load<Fno>(result.LastCheckpoint!);
        again.to(context.Device);
        var errors = Errors(again, normalisers, tests, Plan);
        var baseline = MakeBaseline(data, normalisers);
        Show(errors, baseline.Errors);
        using (no_grad()) Draw(data, x => normalisers.Apply(again, x), baseline);
        DrawErrors(errors, baseline.Errors);
        DrawLearning(result);
        return Judge(errors, baseline.Errors);
    }

    /// <summary>The errors of a checkpoint on the run's test set, without training.</summary>
    public Claim? Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        var data = LoadData();
        using var model = Zoo.Load<Fno>(checkpoint);
        model.to(context.Device);
        var normalisers = Normalisers.Load(checkpoint);
        foreach (var module in normalisers.Modules.Values) module.to(context.Device);
        var errors = Errors(model, normalisers, EncodedTests(data, normalisers), Plan);
        context.Output.Table($"{Equation}: relative L2 error", ["resolution", "FNO"], errors.Select(e => (object[])[e.Key, e.Value]));
        return null;
    }

    /// <summary>Trains a network of the baseline as the FNO is trained, in a folder of its own.</summary>
    protected Baseline TrainBaseline(nn.Module<Tensor, Tensor> model, OperatorData data, Normalisers normalisers, TrainingPlan plan)
    {
        context.Output.Note($"{BaselineName}, parameters", StateDict.ParameterCount(model));
        var tests = EncodedTests(data, normalisers);
        MakeTrainer($"Training the {BaselineName}", model, normalisers, plan, context.PathOf("baseline")).Fit(normalisers.Encode(data.Train), null, context.Cancellation);
        return new Baseline(Errors(model, normalisers, tests, plan), x => normalisers.Apply(model, x));
    }

    /// <summary>Mean over test functions of ‖prediction − truth‖ / ‖truth‖, of functions as they are, not normalised.</summary>
    private Dictionary<long, double> Errors(nn.Module model, Normalisers normalisers, IReadOnlyDictionary<long, PairDataset> tests, TrainingPlan plan)
    {
        var trainer = MakeTrainer("Evaluation", model, normalisers, plan, directory: null);
        return tests.OrderBy(t => t.Key).ToDictionary(t => t.Key, t => trainer.Evaluate(t.Value)["loss"]);
    }

    private static Dictionary<long, PairDataset> EncodedTests(OperatorData data, Normalisers normalisers) =>
        data.Tests.ToDictionary(t => t.Key, t => normalisers.Encode(t.Value));

    private Trainer MakeTrainer(string name, nn.Module model, Normalisers normalisers, TrainingPlan plan, string? directory) =>
        new(model, context.TrainerOptions(directory) with
        {
            Epochs = plan.Epochs,
            BatchSize = plan.BatchSize,
            CheckpointEvery = 500,
        })
        {
            Name = name,
            Callbacks = directory is null ? [] : context.Callbacks(name),
            Optimizer = p => new FusedAdam(p, plan.LearningRate, weightDecay: WeightDecay),
            Schedule = Schedules.OneCycle(WarmUp),
            Step = MakeStep(normalisers),
            Companions = normalisers.Modules,
            Notes = new Dictionary<string, string>(context.SizeAndSeed)
            {
                ["equation"] = Equation,
            },
            Progress = context.Progress,
        };

    private void Show(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline) =>
        context.Output.Table(
            $"{Equation}: relative L2 error on {(errors.Count > 1 ? $"test functions, trained at {TrainingResolution}" : "test functions")}",
            ["resolution", "FNO", BaselineName],
            errors.Select(e => (object[])[e.Key == TrainingResolution ? $"{e.Key} (training)" : e.Key, e.Value, baseline[e.Key]]));

    private void DrawErrors(IReadOnlyDictionary<long, double> errors, IReadOnlyDictionary<long, double> baseline)
    {
        double[] resolutions = [.. errors.Keys.Select(r => (double)r)];
        Save("error-vs-resolution.png", "error of one set of weights at several resolutions", new LinePlot
        {
            Title = $"{Equation}: trained at {TrainingResolution}, evaluated at others",
            XLabel = "points along an axis",
            YLabel = "relative L2 error",
            LogX = true,
            LogY = true,
            XTicks = resolutions,
            Series =
            [
                new Series("FNO", resolutions, [.. errors.Values]) { Markers = true },
                new Series(BaselineName, resolutions, [.. errors.Keys.Select(r => baseline[r])]) { Markers = true },
            ],
        }.Save);
    }

    private void DrawLearning(TrainingResult result)
    {
        double[] epochs = [.. result.History.Select(h => h.Epoch + 1.0)];
        Save("learning.png", "relative L2 error while training", new LinePlot
        {
            Title = $"{Equation}: learning",
            XLabel = "epoch",
            YLabel = "relative L2 error",
            LogY = true,
            Series =
            [
                new Series("training", epochs, [.. result.History.Select(h => h.Training["loss"])]),
                new Series("test", epochs, [.. result.History.Select(h => h.Validation["loss"])]),
            ],
        }.Save);
    }

    /// <summary>Writes a file into the run's folder and says so.</summary>
    protected void Save(string name, string what, Action<string> save) => context.Save(name, what, save);

    private void Save(string name, string what, Action<string, int, int> save) => Save(name, what, path => save(path, 640, 420));
}
