using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Nets of the same size learn a task in the same number of steps.</summary>
internal sealed class SequenceExperiment(RecipeContext context, SequenceTask task)
{
    private static readonly TrainingStep Step = Steps.Supervised(TokenCrossEntropy.Loss,
        (SequenceTask.Accuracy, TokenCrossEntropy.Accuracy), (SequenceTask.Bits, TokenCrossEntropy.Bits));

    /// <summary>A net that was trained.</summary>
    private sealed record Trained(SequenceNet Net, TrainingResult Result, IReadOnlyDictionary<string, double> HeldOut, double Seconds);

    private string Unit => task.Metric == SequenceTask.Bits ? "bits a token" : task.Metric;

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var plan = task.Plan;
        var epochs = context.Epochs ?? plan.Epochs;
        context.Output.Note("steps", epochs * ((task.Train.Count + plan.BatchSize - 1) / plan.BatchSize));
        context.Output.Note("tokens of a sequence", task.Nets[0].Config.Length);
        List<Trained> all = [.. task.Nets.Select(net => Train(net, plan, epochs))];
        context.Output.Table($"{task.Title}: held-out sequences", ["net", "weights", "bits a token", "accuracy", "training (s)"],
            all.Select(t => (object[])[t.Net.Name, Weights(t.Net), t.HeldOut[SequenceTask.Bits], t.HeldOut[SequenceTask.Accuracy],
                t.Seconds]));
        context.Save("learning.png", $"{Unit} of held-out sequences while training", path => new LinePlot
        {
            Title = task.Title,
            XLabel = "step",
            YLabel = Unit,
            Series = [.. all.Select(t =>
            {
                var evaluated = t.Result.History.Where(h => h.Validation.ContainsKey(task.Metric)).ToArray();
                return new Series(t.Net.Name, [.. evaluated.Select(h => (double)h.Step)],
                    [.. evaluated.Select(h => h.Validation[task.Metric])]);
            })],
        }.Save(path, 640, 420));
        using (var sparse = Zoo.Load<SparseTransformer>(all[0].Result.LastCheckpoint!))
        {
            sparse.to(context.Device);
            task.Show(sparse);
        }
        return task.Judge([.. all.Select(t => t.HeldOut[task.Metric])]);
    }

    /// <summary>What a checkpoint's net makes of held-out sequences.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        foreach (var (name, value) in task.Notes)
            if (checkpoint.Notes.GetValueOrDefault(name) != value)
                throw new ArgumentException(
                    $"{checkpoint.Path} was trained on other tokens than those of {task.Title}; give the text with --text.");
        using var model = Zoo.Load<SparseTransformer>(checkpoint);
        var measured = Test(model);
        context.Output.Table($"{task.Title}: held-out sequences", ["net", "weights", "bits a token", "accuracy"],
            [[checkpoint.ModelName!, model.parameters().Sum(p => p.numel()), measured[SequenceTask.Bits],
                measured[SequenceTask.Accuracy]]]);
    }

    private Trained Train(SequenceNet net, TrainingPlan plan, int epochs)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        using var model = new SparseTransformer(net.Config, generator);
        // The sparse net is what the run is about: its checkpoints are in the run's folder itself.
        var isMain = net.Name == SequenceTask.Sparse;
        var steps = epochs * ((task.Train.Count + plan.BatchSize - 1) / plan.BatchSize);
        var trainer = new Trainer(model, context.TrainerOptions(context.PathOf(isMain ? "" : net.Name.Replace(' ', '-'))) with
        {
            Epochs = epochs,
            BatchSize = plan.BatchSize,
            ClipNorm = 1,
            Monitor = task.Metric,
            MonitorMaximum = task.Metric == SequenceTask.Accuracy,
        })
        {
            Name = $"Training {net.Name}",
            Callbacks = context.Callbacks(net.Name),
            Optimizer = p => new FusedAdamW(p, plan.LearningRate, weightDecay: 0.01),
            Schedule = Schedules.WarmUp((int)Math.Max(1, steps / 10), Schedules.Cosine()),
            Step = Step,
            Notes = new Dictionary<string, string>(task.Notes)
            {
                [Recipe.NoteName] = SparseTransformerRecipe.Name,
                [SequenceTask.NoteName] = task.Name,
                ["size"] = context.Size.ToString(),
                ["seed"] = context.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture),
            },
            Progress = context.Progress,
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = trainer.Fit(task.Train, task.HeldOut, context.Cancellation);
        var seconds = clock.Elapsed.TotalSeconds;
        return new(net, result, Test(model), seconds);
    }

    private IReadOnlyDictionary<string, double> Test(SparseTransformer model) =>
        new Trainer(model, context.TrainerOptions(null) with { BatchSize = task.Plan.BatchSize }) { Step = Step }.Evaluate(task.HeldOut);

    private static long Weights(SequenceNet net)
    {
        using var scope = NewDisposeScope();
        using var model = new SparseTransformer(net.Config);
        return model.parameters().Sum(p => p.numel());
    }
}
