using System.Globalization;
using TorchZoo.Kernels;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Forward and backward pass of the cells on one thread: the kernel, and Newton's method in torch operations, against a loop over
/// time in torch operations, written the fast way (unbound, no slice in a step).</summary>
internal sealed class RecurrenceSpeedExperiment(RecipeContext context)
{
    /// <summary>A size, and how many times faster than the loop the kernel has to be.</summary>
    private sealed record Case(CellKind Kind, long Batch, long Steps, long Channels, double? Asked = null)
    {
        public string Name => $"{NewtonExperiment.Title(Kind)} {Batch} × {Steps} × {Channels}";
    }

    private Case[] Cases => context.Size == RunSize.Smoke ? [new(CellKind.Gru, 2, 32, 16, 1), new(CellKind.Lstm, 1, 64, 8)] :
    [
        new(CellKind.Gru, 8, 512, 128, 15),
        new(CellKind.Gru, 1, 8192, 128, 40),
        new(CellKind.Gru, 32, 512, 256),
        new(CellKind.Lstm, 8, 512, 128),
    ];

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var rounds = context.Pick(1, 5, 15);
        var rows = new List<object[]>();
        var conditions = new List<Condition>();
        (double Ratio, Case Case)? first = null;
        foreach (var one in Cases)
        {
            var times = InterleavedTimes.OnOneThread(rounds, [Pass(one, RecurrenceMode.Sequential), Pass(one, RecurrenceMode.Parallel),
                Pass(one, RecurrenceMode.Fused)], context.Cancellation);
            double newton = times[0] / times[1], fused = times[0] / times[2];
            rows.Add([one.Name, times[0], times[1], times[2], newton, fused]);
            first ??= (fused, one);
            if (one.Asked is { } asked)
                conditions.Add(new(string.Create(CultureInfo.InvariantCulture,
                    $"{one.Name}: {asked} times faster than the loop ({fused:0.0})"),
                    fused >= asked));
        }
        context.Output.Table("forward and backward pass, float32, one thread",
            ["batch × steps × channels", "loop (ms)", "Newton (ms)", "kernel (ms)", "Newton, times faster", "kernel, times faster"], rows);
        return new Claim(ParaRnnRecipe.Name, $"times faster, {first!.Value.Case.Name}", first.Value.Ratio, first.Value.Case.Asked!.Value, 1,
            conditions);
    }

    // The recurrence, so few inputs that their projection costs next to nothing.
    private Action Pass(Case one, RecurrenceMode mode)
    {
        using var generator = new Generator(context.Seed);
        ParaRnnCell cell = one.Kind == CellKind.Gru
            ? new ParaGru(2, one.Channels, mode: mode, generator: generator)
            : new ParaLstm(2, one.Channels, mode: mode, generator: generator);
        Tensor x = randn([one.Batch, one.Steps, 2], generator: generator).requires_grad_(),
            gradient = randn([one.Batch, one.Steps, one.Channels], generator: generator);
        return () =>
        {
            using var step = NewDisposeScope();
            cell.call(x).backward([gradient]);
            x.grad = null;
            cell.zero_grad();
        };
    }
}
