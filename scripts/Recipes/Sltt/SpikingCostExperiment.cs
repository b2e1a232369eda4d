using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Models.Spiking;
using TorchZoo.Reports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Memory and time of a training step by the number of time steps.</summary>
internal sealed class SpikingCostExperiment(RecipeContext context)
{
    // The specification's runs B and C.
    private const double Growth = 1.25, GrowthOfBptt = 4, MemoryShare = 0.30, TimeShare = 0.5, TimeOfSltt = 1.15;

    private int Batch => context.Pick(8, 128, 128);

    private int[] Steps => context.Pick<int[]>([1, 2], [4, 16, 32], [4, 16, 32]);

    private int[] TimedSteps => context.Pick<int[]>([2], [16, 32], [16, 32]);

    public Claim Run()
    {
        var memory = SpikingRules.Names.ToDictionary(r => r, Memory);
        var times = Times();
        context.Output.Table($"a training step of {Batch} images", ["rule", .. Steps.Select(t => $"T = {t} (MiB)"), .. TimedSteps.Select(t => $"T = {t} (ms)")],
            SpikingRules.Names.Select(r => (object[])[SpikingRules.Title(r), .. memory[r].Cast<object>(), .. times[r].Cast<object>()]));
        LinePlot Plot(string title, string unit, int[] steps, IReadOnlyDictionary<string, double[]> values) => new()
        {
            Title = title,
            XLabel = "time steps",
            YLabel = unit,
            XTicks = [.. steps.Select(t => (double)t)],
            Series = [.. SpikingRules.Names.Select(r => new Series(SpikingRules.Title(r), [.. steps.Select(t => (double)t)], values[r]))],
        };
        context.Save("costs.png", "memory and time by the number of time steps", path => LinePlot.SaveGrid(path,
            [Plot("Peak of memory", "MiB", Steps, memory), Plot("Time of a training step", "ms", TimedSteps, times)], 2));

        double[] sltt = memory[SpikingRules.Sltt], bptt = memory[SpikingRules.Bptt];
        var middle = Steps.Length / 2;
        var share = sltt[middle] / bptt[middle];
        List<Condition> conditions =
        [
            new(Invariant($"SLTT's memory at most {MemoryShare} of BPTT's at T = {Steps[middle]} ({share:0.00})"), share <= MemoryShare),
            new(Invariant($"SLTT's memory at T = {Steps[^1]} at most {Growth} of that at T = {Steps[0]} ({sltt[^1] / sltt[0]:0.00})"),
                sltt[^1] <= Growth * sltt[0]),
            new(Invariant($"BPTT's at least {GrowthOfBptt} of it ({bptt[^1] / bptt[0]:0.0})"), bptt[^1] >= GrowthOfBptt * bptt[0]),
        ];
        foreach (var (i, t) in TimedSteps.Index())
        {
            double whole = times[SpikingRules.Bptt][i], chosen = times[SpikingRules.SlttK][i] / whole, all = times[SpikingRules.Sltt][i] / whole;
            conditions.Add(new(Invariant($"{SpikingRules.Title(SpikingRules.SlttK)}'s time at most {TimeShare} of BPTT's at T = {t} ({chosen:0.00})"), chosen <= TimeShare));
            conditions.Add(new(Invariant($"SLTT's at most {TimeOfSltt} of it ({all:0.00})"), all <= TimeOfSltt));
        }
        return new Claim(SlttRecipe.Name, $"share of BPTT's memory at T = {Steps[middle]}", share, MemoryShare, 1, conditions);
    }

    private double[] Memory(string rule) => [.. Steps.Select(t => SpikingMemoryProbe.Run(rule, t, Batch, context.Directory)
        ?? throw new PlatformNotSupportedException("the peak of a process's memory is read from Linux's /proc"))];

    // The rules take their turns.
    private Dictionary<string, double[]> Times()
    {
        using var scope = NewDisposeScope();
        var times = SpikingRules.Names.ToDictionary(r => r, _ => new double[TimedSteps.Length]);
        foreach (var (i, t) in TimedSteps.Index())
        {
            Tensor images = randn([Batch, 1, 28, 28], device: context.Device), labels = randint(0, 10, [Batch], ScalarType.Int64, context.Device);
            Seed.Set(context.Seed);
            var measured = InterleavedTimes.Measure(context.Pick(1, 5, 5), [.. SpikingRules.Names.Select(Step)], context.Cancellation);
            foreach (var (j, name) in SpikingRules.Names.Index()) times[name][i] = measured[j];

            Action Step(string name)
            {
                var network = new SpikingCnn(new SpikingCnnConfig { TimeSteps = t });
                network.to(context.Device);
                var rule = SpikingRules.Create(name, t);
                return () =>
                {
                    using var step = NewDisposeScope();
                    var (_, loss) = rule.Gradients(network, images, labels);
                    loss.item<float>();
                    network.zero_grad();
                };
            }
        }
        return times;
    }
}
