using TorchSharp;
using TorchZoo.Models.Sequences;
using TorchZoo.Reports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>How far the states are from those of the loop after each iteration of Newton's method: fresh weights, and large ones.</summary>
internal sealed class NewtonExperiment(RecipeContext context)
{
    private const long Channels = 32;
    private const int Iterations = 5;

    // After three and four iterations.
    private const double Third = 1e-6, Fourth = 1e-13;

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var curves = (from kind in Enum.GetValues<CellKind>()
                      from steps in context.Pick<long[]>([32, 128], [512, 4096], [512, 4096, 32768])
                      select (Name: $"{Title(kind)}, {steps} steps", Errors: Errors(kind, steps))).ToArray();
        context.Output.Table("largest error of a state after each iteration, float64, fresh weights",
            ["iterations", .. curves.Select(c => c.Name)],
            Enumerable.Range(0, Iterations + 1).Select(i => (object[])[i, .. curves.Select(c => (object)c.Errors[i])]));
        context.Save("newton.png", "error of the states after each iteration", path => new LinePlot
        {
            Title = "Newton's method on all steps at once",
            XLabel = "iterations",
            YLabel = "largest error",
            LogY = true,
            Series = [.. curves.Select(c => new Series(c.Name, [.. Enumerable.Range(0, Iterations + 1).Select(i => (double)i)], c.Errors))],
        }.Save(path, 640, 420));
        Stiff();
        double third = curves.Max(c => c.Errors[3]), fourth = curves.Max(c => c.Errors[4]);
        return new Claim(ParaRnnRecipe.Name, "error after 3 iterations", third, Third, curves.Max(c => c.Errors[0]),
        [
            new(Invariant($"error after 3 iterations at most {Third:0e-0} at every length ({third:0.0e-0})"), third <= Third),
            new(Invariant($"error after 4 at most {Fourth:0e-0} ({fourth:0.0e-0})"), fourth <= Fourth),
        ]);
    }

    internal static string Title(CellKind kind) => kind == CellKind.Gru ? "ParaGRU" : "ParaLSTM";

    private double[] Errors(CellKind kind, long steps)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        var cell = Cell(kind, generator);
        var u = cell.Precompute(randn([2, steps, Channels], ScalarType.Float64, generator: generator));
        var exact = Loop(cell, u);
        var guess = cell.Transition(u, zeros_like(exact));
        return [Distance(guess, exact), .. Enumerable.Range(1, Iterations).Select(k => Distance(Solve(cell, u, new NewtonOptions
        {
            Iterations = k,
            OnNonConvergence = NonConvergence.Ignore,
        }).States, exact))];
    }

    // Weights of a net that may be chaotic: iterations diverge, and what isn't solved is computed step by step.
    private void Stiff()
    {
        var rows = new List<object[]>();
        foreach (var kind in Enum.GetValues<CellKind>())
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(context.Seed);
            var cell = Cell(kind, generator);
            foreach (var (name, p) in cell.named_parameters())
                if (name is "A" or "C") p.copy_(4 * randn(p.shape, ScalarType.Float64, generator: generator));
            var u = cell.Precompute(randn([2, context.Pick(64, 512, 512), Channels], ScalarType.Float64, generator: generator));
            // The kernel's loop: chaotic series part where two loops round differently.
            cell.Mode = RecurrenceMode.Fused;
            var exact = Loop(cell, u);
            var (ignored, _) = Solve(cell, u, new NewtonOptions { OnNonConvergence = NonConvergence.Ignore });
            var (states, report) = Solve(cell, u, new NewtonOptions());
            rows.Add([Title(kind), Distance(ignored, exact), report.Iterations, report.FallbackFraction, Distance(states, exact)]);
        }
        context.Output.Table("the same with recurrent weights from N(0, 4²)",
            ["cell", "error of 3 iterations without a test", "iterations", "share computed step by step", "error then"], rows);
    }

    private static ParaRnnCell Cell(CellKind kind, Generator generator)
    {
        ParaRnnCell cell = kind == CellKind.Gru ? new ParaGru(Channels, Channels, generator: generator)
            : new ParaLstm(Channels, Channels, generator: generator);
        return cell.to(ScalarType.Float64);
    }

    private static (Tensor States, NewtonReport Report) Solve(ParaRnnCell cell, Tensor u, NewtonOptions options) =>
        new ParallelRecurrenceSolver(options).Solve(cell, u);

    private static Tensor Loop(ParaRnnCell cell, Tensor u)
    {
        using var scope = NewDisposeScope();
        var series = arange(Channels, ScalarType.Int64);
        // All series of each sample, step by step.
        Tensor samples = arange(u.shape[0], ScalarType.Int64).repeat_interleave(Channels), channels = series.repeat(u.shape[0]);
        var states = cell.RunSeries(u, zeros([u.shape[0], cell.StateSize], u.dtype), samples, channels);
        return states.view(u.shape[0], Channels, u.shape[1], -1).permute(0, 2, 3, 1).reshape(u.shape[0], u.shape[1],
            -1).MoveToOuterDisposeScope();
    }

    private static double Distance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return (a - b).abs().max().item<double>();
    }
}
