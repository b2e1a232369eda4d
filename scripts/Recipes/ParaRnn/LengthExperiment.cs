using System.Diagnostics;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Text;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A training step of the language model on one long piece of text: what memory it takes.</summary>
internal sealed class LengthExperiment(RecipeContext context, CellKind cell, int length)
{
    /// <summary>The shortest piece whose memory can be told from noise.</summary>
    public const int Shortest = 1024;

    // How much more memory a byte may take at the full length than at a quarter.
    private const double Growth = 1.5;

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var longest = context.Size == RunSize.Smoke ? Shortest : length;
        var text = RecipeText.Load(context, atLeast: longest + 1);
        var config = new ParaRnnLanguageModelConfig
        {
            Vocabulary = text.Symbols.Count,
            Dim = context.Pick(16, 96, 512),
            NumLayers = context.Pick(1, 2, 8),
            Cell = cell,
        };
        using var generator = new Generator(context.Seed);
        using var net = new ParaRnnLanguageModel(config, generator);
        net.to(context.Device);
        Step(net, text, 64);
        var rows = new List<object[]>();
        double quarter = 0, full = 0, loss = double.NaN;
        foreach (var steps in new[] { longest / 16, longest / 4, longest })
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            long bytes;
            (bytes, loss) = PeakOf(() => Step(net, text, steps));
            rows.Add([steps, clock.Elapsed.TotalSeconds, bytes / 1048576.0, bytes / 1024.0 / steps, loss]);
            (quarter, full) = (full, (double)bytes / steps);
        }
        context.Output.Note("weights", net.parameters().Sum(p => p.numel()));
        context.Output.Table($"a training step on one piece of text, {NewtonExperiment.Title(cell)}",
            ["bytes of text", "seconds", "memory (MiB)", "memory a byte (KiB)", "loss (nats)"], rows);
        context.Output.Note("one head's attention matrix of as many steps, float32 (MiB)", 4.0 * longest * longest / 1048576);
        var growth = full / quarter;
        return new Claim(ParaRnnRecipe.Name, Invariant($"growth of a byte's memory from {longest / 4} to {longest} bytes"), growth, Growth, 4,
        [
            new(Invariant($"memory a byte at most {Growth} times that at a quarter of the length ({growth:0.00})"), growth <= Growth),
            new(Invariant($"the loss is a number ({loss:0.00})"), double.IsFinite(loss)),
        ]);
    }

    private double Step(ParaRnnLanguageModel net, RecipeText text, int steps)
    {
        using var scope = NewDisposeScope();
        var batch = (Pairs)new TokenWindows(text.Train, steps).Take(zeros([1], ScalarType.Int64)).To(context.Device);
        var loss = TokenCrossEntropy.Loss(net.call(batch.Input), batch.Target);
        loss.backward();
        net.zero_grad();
        return loss.to(ScalarType.Float64).item<double>();
    }

    // Resident memory beyond what there was, looked at now and then.
    private static (long Bytes, double Result) PeakOf(Func<double> work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Environment.WorkingSet, peak = before;
        using var done = new ManualResetEventSlim();
        var watch = new Thread(() =>
        {
            do peak = Math.Max(peak, Environment.WorkingSet);
            while (!done.Wait(5));
        })
        { IsBackground = true };
        watch.Start();
        double result;
        try { result = work(); }
        finally
        {
            done.Set();
            watch.Join();
        }
        return (peak - before, result);
    }
}
