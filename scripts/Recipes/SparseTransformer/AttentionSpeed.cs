using TorchZoo.Kernels;
using TorchZoo.Models.Sequences;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Milliseconds of attention's forward and backward pass, one sequence, four heads of 64 features, one thread.</summary>
/// <param name="Length">n</param>
/// <param name="Dense">libtorch's causal attention.</param>
/// <param name="Local">The last l positions.</param>
/// <param name="Strided">Every l-th.</param>
/// <param name="Fixed">Own chunk and eight summary columns in one softmax.</param>
internal sealed record AttentionSpeed(int Length, double Dense, double Local, double Strided, double Fixed)
{
    private const int Heads = 4, Width = 64, SummaryWidth = 8;

    public double MeanSpeedUp => Dense / ((Local + Strided) / 2);

    public double FixedSpeedUp => Dense / Fixed;

    public IEnumerable<(string Name, double Factor)> GrowthFrom(AttentionSpeed shorter) =>
        [("local", Local / shorter.Local), ("strided", Strided / shorter.Strided), ("fixed", Fixed / shorter.Fixed)];

    /// <summary>Measures all lengths with their strides, and shows the times.</summary>
    public static IReadOnlyList<AttentionSpeed> Measure(RecipeContext context, IReadOnlyList<(int Length, int Stride)> lengths)
    {
        var all = lengths.Select(l => Measure(context, l.Length, l.Stride)).ToList();
        context.Output.Table("attention, forward and backward pass, one thread, ms",
            ["n", "l", "libtorch's dense", "local", "strided", "fixed, c = 8", "mean of local and strided: times faster",
                "fixed: times faster"],
            all.Zip(lengths).Select(r => (object[])[r.First.Length, r.Second.Stride, r.First.Dense, r.First.Local, r.First.Strided,
                r.First.Fixed, r.First.MeanSpeedUp, r.First.FixedSpeedUp]));
        Series Of(string name, Func<AttentionSpeed, double> time) =>
            new(name, [.. all.Select(s => (double)s.Length)], [.. all.Select(time)]);
        context.Save("speed.png", "time of attention by length", path => new LinePlot
        {
            Title = "Attention, forward and backward pass, one thread",
            XLabel = "positions",
            YLabel = "time (ms)",
            LogX = true,
            LogY = true,
            Series = [Of("dense", s => s.Dense), Of("fixed", s => s.Fixed), Of("local", s => s.Local), Of("strided", s => s.Strided)],
        }.Save(path, 640, 420));
        return all;
    }

    private static AttentionSpeed Measure(RecipeContext context, int length, int stride)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        Tensor[] inputs = [.. Enumerable.Range(0, 3).Select(_ => randn([1, Heads, length, Width], generator: generator).requires_grad_())];
        var cotangent = randn([1, Heads, length, Width], generator: generator);
        var times = InterleavedTimes.OnOneThread(context.Pick(1, 3, 5),
        [
            Pass(() => nn.functional.scaled_dot_product_attention(inputs[0], inputs[1], inputs[2], is_casual: true)),
            Sparse(AttentionPattern.Local(length, stride)), Sparse(AttentionPattern.Strided(length, stride)),
            Sparse(AttentionPattern.Fixed(length, stride, Math.Min(SummaryWidth, stride))),
        ], context.Cancellation);
        return new(length, times[0], times[1], times[2], times[3]);

        Action Sparse(AttentionPattern pattern) => Pass(() => SparseAttention.Apply(inputs[0], inputs[1], inputs[2], pattern));

        Action Pass(Func<Tensor> attention) => () =>
        {
            using var step = NewDisposeScope();
            attention().backward([cotangent]);
            foreach (var input in inputs) input.grad = null;
        };
    }
}
