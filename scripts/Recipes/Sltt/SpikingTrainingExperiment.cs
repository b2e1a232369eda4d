using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Data.Images;
using TorchZoo.Models.Spiking;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The same network trained by each rule.</summary>
internal sealed class SpikingTrainingExperiment(RecipeContext context, string rule, string dataset, double tau)
{
    private const int TimeSteps = 4, BatchSize = 64;
    private const string Accuracy = "accuracy";

    // The specification's run A.
    private const double Least = 0.72, FromBptt = 0.03, OfChosenSteps = 0.06;

    private sealed record Trained(string Rule, SpikingCnn Network, TrainingResult Result, double TestAccuracy, TimeSpan Time);

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        using var data = SpikingImages.Load(context, dataset);
        context.Output.Note("training images", data.Train.Count);
        context.Output.Note("time steps", TimeSteps);
        string[] rules = [rule, .. SpikingRules.Names.Where(r => r != rule)];
        var trained = rules.Select(r => Train(data, r)).ToDictionary(t => t.Rule);
        context.Output.Table($"{data.Title}, τ = {tau.ToString(CultureInfo.InvariantCulture)}", ["rule", "test accuracy", "time (s)"],
            rules.Select(r => (object[])[SpikingRules.Title(r), trained[r].TestAccuracy, trained[r].Time.TotalSeconds]));
        var rates = Rates(trained[rule].Network, data);
        Draw(data, [.. rules.Select(r => trained[r])], rates);
        Activity(trained[rule].Network, data, rates);

        double sltt = trained[SpikingRules.Sltt].TestAccuracy, bptt = trained[SpikingRules.Bptt].TestAccuracy,
            chosen = trained[SpikingRules.SlttK].TestAccuracy;
        return new Claim(SlttRecipe.Name, "test accuracy of SLTT", sltt, Least, bptt,
        [
            new(Invariant($"test accuracy of SLTT at least {Least} ({sltt:0.###})"), sltt >= Least),
            new(Invariant($"within {FromBptt} of BPTT ({bptt:0.###})"), Math.Abs(sltt - bptt) <= FromBptt),
            new(Invariant($"{SpikingRules.Title(SpikingRules.SlttK)} at most {OfChosenSteps} below ({chosen:0.###})"), chosen >= sltt - OfChosenSteps),
        ]);
    }

    /// <summary>The test accuracy of a checkpoint, and what its neurons do.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var data = SpikingImages.Load(context, dataset);
        using var network = Zoo.Load<SpikingCnn>(checkpoint);
        SpikingRules.Evaluate(context, checkpoint, network, rule, data.Title, data.Test);
        Activity(network, data, Rates(network, data));
    }

    private Trained Train(LabelledImages data, string name)
    {
        Seed.Set(context.Seed);
        var network = new SpikingCnn(SpikingImages.Network(data, TimeSteps, tau));
        var trainer = new Trainer(network, context.TrainerOptions(context.PathOf(name == rule ? "" : name)) with
        {
            Epochs = context.Epochs ?? context.Pick(1, 2, 30),
            BatchSize = BatchSize,
            EvaluationBatchSize = 250,
            Monitor = Accuracy,
            MonitorMaximum = true,
        })
        {
            Name = $"Training by {SpikingRules.Title(name)}",
            Callbacks = context.Callbacks(SpikingRules.Title(name)),
            Optimizer = p => new FusedSgd(p, 0.05, 0.9, weightDecay: 5e-5),
            Schedule = Schedules.Cosine(),
            Step = SpikingRules.Create(name, TimeSteps),
            Notes = new Dictionary<string, string> { [Recipe.NoteName] = SlttRecipe.Name, ["size"] = context.Size.ToString(), ["rule"] = name, ["dataset"] = dataset },
            Progress = context.Progress,
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = trainer.Fit(data.Train, data.Test, context.Cancellation);
        // The network of the last epoch: the best one on the test set would be chosen by it.
        return new(name, network, result, trainer.Evaluate(data.Test)[Accuracy], clock.Elapsed);
    }

    // Share of the neurons that spike in a step, by layer, and the multiplications or additions that each layer's spikes cause.
    private (string Layer, double Rate, double Operations, Tensor Raster)[] Rates(SpikingCnn network, LabelledImages data)
    {
        var neurons = SpikingModules.Neurons(network).ToList();
        var spikes = neurons.Select(_ => new List<Tensor>()).ToList();
        var hooks = neurons.Select((n, i) => n.Neuron.register_forward_hook((_, _, s) =>
        {
            spikes[i].Add(s.detach().clone().DetachFromDisposeScope());
            return s;
        })).ToList();
        network.eval();
        using (no_grad()) network.call(data.Test.Inputs.narrow(0, 0, Math.Min(64, data.Test.Count)).to(context.Device));
        hooks.ForEach(h => h.remove());
        return [.. neurons.Select((n, i) =>
        {
            var all = stack(spikes[i]);
            spikes[i].ForEach(s => s.Dispose());
            return (n.Name, all.mean().item<float>(), FanOut(network, i) * all.sum().item<float>() / all.shape[1], all.select(1, 0).flatten(1));
        })];
    }

    // Additions that a spike causes in the next layer.
    private static double FanOut(SpikingCnn network, int layer)
    {
        var config = network.Config;
        // Averages of p² spikes go on together; each position reaches k² of the next map's.
        var pool = config.Pool[layer];
        return layer + 1 < config.Channels.Count ? config.Channels[layer + 1] * config.KernelSize * config.KernelSize / (double)(pool * pool)
            : config.NumClasses / (double)(pool * pool);
    }

    private void Activity(SpikingCnn network, LabelledImages data, (string Layer, double Rate, double Operations, Tensor Raster)[] rates)
    {
        // Energies of Horowitz (2014), 45 nm: 0.9 pJ for an addition, 4.6 pJ for a multiplication with addition.
        const double Addition = 0.9, Multiplication = 4.6;
        var size = data.Train.Inputs.shape[2..];
        var first = size[0] * size[1] * network.Config.Channels[0] * network.Config.KernelSize * network.Config.KernelSize * (double)TimeSteps;
        context.Output.Table("spikes of the test images, all time steps", ["layer", "firing rate", "additions caused (thousands)"],
            rates.Select(r => (object[])[r.Layer, r.Rate, r.Operations / 1e3]));
        context.Output.Note("energy of an image, estimated (nJ)", (first * Multiplication + rates.Sum(r => r.Operations) * Addition) / 1e3);
        context.Output.Note("… of which the first convolution, of real numbers (nJ)", first * Multiplication / 1e3);
    }

    private void Draw(LabelledImages data, Trained[] trained, (string Layer, double Rate, double Operations, Tensor Raster)[] rates)
    {
        context.Save("learning.png", "test accuracy while training", path => new LinePlot
        {
            Title = $"{data.Title}: spiking network of {TimeSteps} time steps",
            XLabel = "step",
            YLabel = "test accuracy",
            Series = [.. trained.Select(t =>
            {
                var evaluated = t.Result.History.Where(h => h.Validation.ContainsKey(Accuracy)).ToArray();
                return new Series(SpikingRules.Title(t.Rule), [.. evaluated.Select(h => (double)h.Step)], [.. evaluated.Select(h => h.Validation[Accuracy])]);
            })],
        }.Save(path, 640, 420));
        using var scope = NewDisposeScope();
        FieldPanel[] panels = [.. rates.Select(r => new FieldPanel(r.Layer,
            r.Raster.narrow(1, 0, Math.Min(200, r.Raster.shape[1])).repeat_interleave(10, 0)) { Colors = ColorScale.Magnitude })];
        context.Save("spikes.png", "which neurons spike when, for one image (time goes down)",
            new FieldPicture { Title = "Spikes of the first neurons of each layer; time goes down", Rows = [.. panels.Select(p => new[] { p })] }.Save);
    }
}
