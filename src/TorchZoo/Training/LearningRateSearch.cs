using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>What <see cref="Trainer.FindLearningRate"/> saw: the loss while the learning rate rose from step to step (Smith 2017,
/// arXiv 1506.01186, section 3.3).</summary>
/// <param name="Rates">The learning rates.</param>
/// <param name="Losses">The loss before the update at each, smoothed.</param>
public sealed record LearningRateSearch(IReadOnlyList<double> Rates, IReadOnlyList<double> Losses)
{
    // Of the loss at its best: beyond it training has diverged.
    private const double Diverged = 4;

    // Of an exponential mean, corrected for its beginning.
    private const double Smoothing = 0.9;

    /// <summary>A learning rate to begin with: where the loss has fallen half way for good, from its mean over the first fifth of the steps to
    /// its least. (Slopes of the loss, which others look at, are mostly those of its noise.) NaN if it never falls.</summary>
    public double Suggestion
    {
        get
        {
            if (Losses.Count == 0) return double.NaN;
            var start = Losses.Take(Math.Max(1, Losses.Count / 5)).Average();
            var least = 0;
            for (var i = 1; i < Losses.Count; i++)
                if (Losses[i] < Losses[least]) least = i;
            var middle = (start + Losses[least]) / 2;
            var at = least;
            while (at > 0 && Losses[at - 1] < middle) at--;
            return at > 0 && Losses[least] < start ? Rates[at] : double.NaN;
        }
    }

    /// <summary>Makes a search with a trainer, which is then as it was.</summary>
    internal static LearningRateSearch Run(Trainer trainer, IDataset data, double from, double to, int steps)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(from > 0) || !(to > from)) throw new ArgumentOutOfRangeException(nameof(to), to, $"expected 0 < from < to, got {from} and {to}");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 3);
        nn.Module[] modules = [trainer.Model, .. trainer.Step.Modules.Values];
        foreach (var module in modules) module.to(trainer.Options.Device);
        using var scope = NewDisposeScope();
        var before = modules.Select(m => StateDict.Entries(m).Select(e => (e.Stored, Kept: e.Stored.detach().clone())).ToList()).ToList();
        using var random = get_rng_state();
        var state = trainer.Step.SaveState();
        var training = modules.Select(m => m.training).ToArray();
        try { return Sweep(trainer, data, from, to, steps); }
        finally
        {
            using (no_grad())
                foreach (var (stored, kept) in before.SelectMany(b => b)) stored.copy_(kept);
            foreach (var module in modules) module.zero_grad();
            for (var i = 0; i < modules.Length; i++) modules[i].train(training[i]);
            if (state is not null) trainer.Step.LoadState(state);
            set_rng_state(random);
        }
    }

    private static LearningRateSearch Sweep(Trainer trainer, IDataset data, double from, double to, int steps)
    {
        var optimizers = trainer.Step.CreateOptimizers(trainer.Model, trainer.Optimizer);
        var options = trainer.Options with { AccumulationSteps = 1 };
        using var meters = new Meters(1);
        var schedule = new Exponential(from, to);
        var context = new StepContext(trainer.Model, optimizers, schedule, options, meters) { TotalUpdates = steps, UpdatesPerEpoch = steps };
        List<double> rates = [], losses = [];
        var (mean, least) = (0.0, double.PositiveInfinity);
        try
        {
            foreach (var module in trainer.Step.Modules.Values.Prepend(trainer.Model)) module.train();
            foreach (var indices in Endless(data, options))
            {
                using var scope = NewDisposeScope();
                var batch = data.Take(indices).To(options.Device);
                try { trainer.RunStep(batch, (batch.Count, batch.Count), context, groupSize: 1, updateDue: true); }
                catch (NonFiniteLossException) { break; }
                if (!meters.Last.TryGetValue("loss", out var loss))
                    throw new ArgumentException("the step logs no 'loss' to look at", nameof(trainer));
                if (!double.IsFinite(loss)) break;
                mean = Smoothing * mean + (1 - Smoothing) * loss;
                var smooth = mean / (1 - Math.Pow(Smoothing, rates.Count + 1));
                if (smooth > Diverged * least) break;
                least = Math.Min(least, smooth);
                rates.Add(schedule.At(rates.Count, steps));
                losses.Add(smooth);
                context.Step++;
                if (rates.Count == steps) break;
            }
        }
        finally
        {
            foreach (var optimizer in optimizers) optimizer.Dispose();
        }
        return new LearningRateSearch(rates, losses);
    }

    private static IEnumerable<Tensor> Endless(IDataset data, TrainerOptions options)
    {
        var order = new BatchOrder(data.Count, options.BatchSize, options.Shuffle, options.DropLast, options.Seed);
        if (order.Batches == 0) throw new ArgumentException($"{data.Count} examples make no batch of {options.BatchSize}", nameof(data));
        for (var epoch = 0; ; epoch++)
            foreach (var indices in order.Epoch(epoch)) yield return indices;
    }

    private sealed class Exponential(double from, double to) : Schedule
    {
        public double At(long step, long steps) => from * Math.Pow(to / from, step / (steps - 1.0));

        public override void Apply(optim.Optimizer optimizer, ScheduleClock clock)
        {
            foreach (var group in optimizer.ParamGroups) group.LearningRate = At(clock.Step, clock.TotalSteps);
        }
    }
}
