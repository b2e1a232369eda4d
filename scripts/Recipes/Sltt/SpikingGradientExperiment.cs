using System.Globalization;
using TorchSharp;
using TorchZoo.Data.Images;
using TorchZoo.Models.Spiking;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Where gradients without time point, beside those of backpropagation through time.</summary>
internal sealed class SpikingGradientExperiment(RecipeContext context, string dataset)
{
    private const int Batch = 64, Updates = 40;

    // The specification's run D: at these time constants the cosine is at least so much.
    private const double ShortMemory = 1.1, LongMemory = 2, LeastShort = 0.995, LeastLong = 0.95;

    private double[] TimeConstants => context.Pick<double[]>([ShortMemory, LongMemory], [ShortMemory, 1.25, LongMemory, 5, 10],
        [ShortMemory, 1.25, LongMemory, 5, 10]);

    private int[] Steps => context.Pick<int[]>([2], [4, 12], [4, 12]);

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        using var data = SpikingImages.Load(context, dataset);
        Tensor images = data.Train.Inputs.narrow(0, 0, Batch).to(context.Device), labels = data.Train.Targets.narrow(0, 0, Batch).to(context.Device);
        var rows = new List<object[]>();
        var atStart = new Dictionary<(double Tau, int Steps), double>();
        var byLayer = new List<Series>();
        foreach (var tau in TimeConstants)
            foreach (var steps in Steps)
            {
                Seed.Set(context.Seed);
                using var network = new SpikingCnn(SpikingImages.Network(data, steps, tau));
                network.to(context.Device);
                var first = Cosines(network, steps, images, labels);
                Train(network, steps, data);
                var later = Cosines(network, steps, images, labels);
                atStart[(tau, steps)] = first.All;
                rows.Add([tau, steps, first.All, later.All]);
                if (steps == Steps[^1])
                    byLayer.Add(new(string.Create(CultureInfo.InvariantCulture, $"τ = {tau}"), [.. Enumerable.Range(1, first.Layers.Length).Select(i => (double)i)], first.Layers));
            }
        context.Output.Table($"cosine between the gradients of SLTT and BPTT, {data.Title}",
            ["τ", "time steps", "fresh network", $"after {context.Pick(2, Updates, Updates)} updates"], rows);
        context.Save("cosines.png", "cosine between the gradients by layer", path => new LinePlot
        {
            Title = $"Gradients of SLTT and BPTT, {Steps[^1]} time steps",
            XLabel = "layer",
            YLabel = "cosine",
            Series = byLayer,
        }.Save(path, 640, 420));

        double WorstAt(double tau) => Steps.Min(t => atStart[(tau, t)]);
        double shortest = WorstAt(ShortMemory), longer = WorstAt(LongMemory);
        return new Claim(SlttRecipe.Name, "cosine to BPTT's gradient at τ = 1.1", shortest, LeastShort, null,
        [
            new(Invariant($"cosine at least {LeastShort} at τ = {ShortMemory} ({shortest:0.0000})"), shortest >= LeastShort),
            new(Invariant($"at least {LeastLong} at τ = {LongMemory} ({longer:0.0000})"), longer >= LeastLong),
        ]);
    }

    // Of all parameters, and of each weight with more than one axis.
    private static (double All, double[] Layers) Cosines(SpikingCnn network, int steps, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        Tensor[] a = Gradients(SpikingRules.Sltt), b = Gradients(SpikingRules.Bptt);
        int[] weights = [.. Enumerable.Range(0, a.Length).Where(i => a[i].dim() > 1)];
        return (Cosine(cat([.. a.Select(g => g.flatten())]), cat([.. b.Select(g => g.flatten())])), [.. weights.Select(i => Cosine(a[i].flatten(), b[i].flatten()))]);

        Tensor[] Gradients(string rule)
        {
            network.zero_grad();
            SpikingRules.Create(rule, steps).Gradients(network, images, labels);
            return [.. network.parameters().Select(p => p.grad!.clone())];
        }

        static double Cosine(Tensor a, Tensor b) => (a.dot(b) / (a.norm() * b.norm())).item<float>();
    }

    private void Train(SpikingCnn network, int steps, LabelledImages data)
    {
        using var optimizer = new FusedSgd(network.parameters(), 0.05, 0.9);
        var rule = SpikingRules.Create(SpikingRules.Sltt, steps);
        for (var i = 0; i < context.Pick(2, Updates, Updates); i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var start = (i * Batch) % (data.Train.Count - Batch + 1);
            network.zero_grad();
            rule.Gradients(network, data.Train.Inputs.narrow(0, start, Batch).to(context.Device), data.Train.Targets.narrow(0, start, Batch).to(context.Device));
            optimizer.step();
        }
        network.zero_grad();
    }
}
