using System.Diagnostics;
using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Data.Events;
using TorchZoo.Models.Spiking;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Networks trained on frames of events by each rule. Where bright shapes move, the events of a moment show where to; where dark ones move
/// too, only memory tells: there SLTT and BPTT are compared with a short and a long one.
/// </summary>
internal sealed class SpikingEventExperiment(RecipeContext context, string rule, double tau)
{
    // In time steps, of the eight in which a shape crosses the view.
    private const double LongMemory = 5;
    private const double Least = 0.9, FromBptt = 0.05;
    private const string Accuracy = "accuracy", DatasetNote = "dataset", TauNote = "tau";

    private sealed record Trained(string Rule, double Tau, LabelledEvents Data, TrainingResult Result, double TestAccuracy, TimeSpan Time)
    {
        public string Title => string.Create(CultureInfo.InvariantCulture, $"{SpikingRules.Title(Rule)}, τ = {Tau}");
    }

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        return context.Data is null ? Shapes() : Recordings();
    }

    /// <summary>The test accuracy of a checkpoint.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var data = context.Data is null ? SpikingEvents.Shapes(context, ShapeContrast.Bright) : SpikingEvents.Recordings(context);
        if (checkpoint.Notes.TryGetValue("events", out var title) && title != data.Title)
            throw new ArgumentException($"The checkpoint was trained on {title}; give its folder with --data. Got {data.Title}", "--data");
        using var network = Zoo.Load<SpikingNetwork>(checkpoint);
        SpikingRules.Evaluate(context, checkpoint, network, rule, data.Title, data.Test);
    }

    private Claim Shapes()
    {
        using var bright = SpikingEvents.Shapes(context, ShapeContrast.Bright);
        using var either = SpikingEvents.Shapes(context, ShapeContrast.Either);
        Describe(bright);
        DrawEvents([bright, either]);
        var other = rule == SpikingRules.Bptt ? SpikingRules.Sltt : SpikingRules.Bptt;
        List<Trained> trained = [Train(bright, rule, tau, isKept: true), Train(bright, other, tau)];
        double[] memories = tau < LongMemory ? [tau, LongMemory] : [tau];
        foreach (var memory in memories)
            trained.AddRange([Train(either, rule, memory), Train(either, other, memory)]);
        Show(trained);
        double mine = trained[0].TestAccuracy, others = trained[1].TestAccuracy;
        context.Output.Note($"what a network without memory makes of {either.Title}, about", 0.5);
        return new Claim(SlttRecipe.Name, $"test accuracy of {SpikingRules.Title(rule)} on events", mine, Least, others,
        [
            new(Invariant($"test accuracy on {bright.Title} at least {Least} ({mine:0.###})"), mine >= Least),
            new(Invariant($"within {FromBptt} of {SpikingRules.Title(other)} ({others:0.###})"), Math.Abs(mine - others) <= FromBptt),
        ]);
    }

    private Claim Recordings()
    {
        using var data = SpikingEvents.Recordings(context);
        Describe(data);
        DrawEvents([data]);
        var other = rule == SpikingRules.Bptt ? SpikingRules.Sltt : SpikingRules.Bptt;
        Trained[] trained = [Train(data, rule, tau, isKept: true), Train(data, other, tau)];
        Show(trained);
        double mine = trained[0].TestAccuracy, others = trained[1].TestAccuracy;
        return new Claim(SlttRecipe.Name, $"test accuracy of {SpikingRules.Title(rule)} on {data.Title}", mine, others - FromBptt, others,
            [new(Invariant($"at most {FromBptt} below {SpikingRules.Title(other)} ({mine:0.###}, {others:0.###})"), mine >= others - FromBptt)]);
    }

    private void Describe(LabelledEvents data)
    {
        var shape = data.Train.Inputs.shape;
        context.Output.Note("recordings to train on", data.Train.Count);
        context.Output.Note("recordings to test with", data.Test.Count);
        context.Output.Note("time steps", shape[1]);
        context.Output.Note("events of a recording on average", data.Train.Inputs.sum().item<float>() / data.Train.Count);
    }

    private Trained Train(LabelledEvents data, string name, double memory, bool isKept = false)
    {
        Seed.Set(context.Seed);
        using var network = SpikingEvents.Network(context, data, memory);
        var isReal = context.Data is not null;
        var isEasy = data.Title == SpikingEvents.Easy;
        var isLarge = network is SpikingVgg;
        var isGesture = isReal && DvsGesture.IsIn(context.Data!);
        var loss = isLarge && !isGesture ? new SpikingLoss { Target = MseTarget.OneHot } : new SpikingLoss();
        var folder = isKept ? "" : Invariant($"{(isReal ? "" : data.Title.Replace(' ', '-') + "-")}{name}-tau{memory}");
        var trainer = new Trainer(network, context.TrainerOptions(context.PathOf(folder)) with
        {
            Epochs = context.Epochs ?? context.Pick(1, isReal ? 8 : isEasy ? 3 : 5, isLarge ? 300 : 30),
            BatchSize = isLarge ? isGesture ? 16 : 128 : 32,
            EvaluationBatchSize = 100,
            Monitor = Accuracy,
            MonitorMaximum = true,
        })
        {
            Name = Invariant($"Training by {SpikingRules.Title(name)}, τ = {memory}, on {data.Title}"),
            Callbacks = context.Callbacks(Invariant($"{SpikingRules.Title(name)}, τ = {memory}, {data.Title}")),
            Optimizer = p => new FusedSgd(p, isGesture && isLarge ? 0.1 : 0.05, 0.9, weightDecay: isLarge ? 5e-4 : 5e-5),
            Schedule = Schedules.Cosine(),
            Step = SpikingRules.Create(name, (int)data.Train.Inputs.shape[1], loss),
            Notes = new Dictionary<string, string>(context.SizeAndSeed)
            {
                [Recipe.NoteName] = SlttRecipe.Name,
                ["rule"] = name,
                [DatasetNote] = SpikingEvents.Name,
                [TauNote] = memory.ToString(CultureInfo.InvariantCulture),
                ["events"] = data.Title,
            },
            Progress = context.Progress,
        };
        var clock = Stopwatch.StartNew();
        var result = trainer.Fit(data.Train, data.Test, context.Cancellation);
        // The network of the last epoch: the best one on the test set would be chosen by it.
        return new Trained(name, memory, data, result, trainer.Evaluate(data.Test)[Accuracy], clock.Elapsed);
    }

    private void Show(IReadOnlyList<Trained> trained)
    {
        context.Output.Table("events", ["data", "rule", "τ", "test accuracy", "time (s)"],
            trained.Select(t => (object[])[t.Data.Title, SpikingRules.Title(t.Rule), t.Tau, t.TestAccuracy, t.Time.TotalSeconds]));
        LinePlot[] plots = [.. trained.GroupBy(t => t.Data.Title).Select(group => new LinePlot
        {
            Title = group.Key,
            XLabel = "step",
            YLabel = "test accuracy",
            Series = [.. group.Select(t =>
            {
                var evaluated = t.Result.History.Where(h => h.Validation.ContainsKey(Accuracy)).ToArray();
                return new Series(t.Title, [.. evaluated.Select(h => (double)h.Step)], [.. evaluated.Select(h => h.Validation[Accuracy])]);
            })],
        })];
        context.Save("learning.png", "test accuracy while training", path => LinePlot.SaveGrid(path, plots, plots.Length));
    }

    // Frames of the first test examples of some classes, time going to the right.
    private void DrawEvents(LabelledEvents[] sets)
    {
        const int most = 4, frames = 10;
        using var scope = NewDisposeScope();
        var rows = new List<ImagePanel[]>();
        foreach (var data in sets)
        {
            var labels = data.Test.Targets.data<long>().ToArray();
            foreach (var label in labels.Distinct().Order().Take(most))
            {
                var example = data.Test.Inputs[Array.IndexOf(labels, label)];
                var count = (int)Math.Min(frames, example.shape[0]);
                // The brightest hundredth of pixels is saturated.
                var full = Math.Max(1, example.flatten().quantile(0.99f).item<float>());
                rows.Add([.. Enumerable.Range(0, count).Select(t => new ImagePanel(t == 0 ? data.ClassNames[(int)label] : "",
                    Colored(example[t], full)))]);
            }
        }
        context.Save("events.png", "frames of events, time going to the right: red where intensity rose, blue where it fell",
            new ImagePicture
            {
                Title = $"Events of {string.Join(", then of ", sets.Select(s => s.Title))}",
                Rows = rows,
                PanelSize = 80,
            }.Save);
    }

    private static Tensor Colored(Tensor frame, float full)
    {
        var (off, on) = ((frame[0] / full).clamp(0, 1), (frame[1] / full).clamp(0, 1));
        // Blue and red out of white; both: violet.
        var (blue, red) = (tensor(new[] { 0.15f, 0.35f, 0.85f }).reshape(3, 1, 1), tensor(new[] { 0.85f, 0.15f, 0.15f }).reshape(3, 1, 1));
        return (1 - off * (1 - blue)) * (1 - on * (1 - red));
    }
}
