using System.Globalization;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Random tokens that come again after a while: x_t = x_{t − lag}. Whoever doesn't see back so far can only guess. The lag is one more than
/// a multiple of the stride, so that one step of a strided layer and one to the neighbour reach it. With it goes the time that attention
/// takes.
/// </summary>
internal sealed class CopyTask : SequenceTask
{
    private const double Enough = 0.99, Chance = 0.10, MeanGoal = 6, FixedGoal = 4, GrowthGoal = 12;
    private readonly RecipeContext _context;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly int _length, _stride, _lag;
    private readonly PairDataset _train, _heldOut;

    public CopyTask(RecipeContext context)
    {
        _context = context;
        (_length, _stride) = context.Pick((48, 4), (256, 16), (1024, 32));
        _lag = context.Pick(17, 97, 1 + 12 * 32);
        using var generator = new Generator(context.Seed);
        _train = Sequences(context.Pick(16, 960, 3200), generator);
        _heldOut = Sequences(context.Pick(8, 64, 64), generator);
    }

    public override string Name => Copy;

    public override string Title => $"Copies at a distance of {_lag}";

    public override IDataset Train => _train;

    public override IDataset HeldOut => _heldOut;

    public override TrainingPlan Plan => new(_context.Pick(1, 6, 6), 16, 3e-3);

    public override string Metric => Accuracy;

    public override IReadOnlyList<SequenceNet> Nets => Three(new SparseTransformerConfig
    {
        VocabularySize = 16,
        Length = _length,
        Dim = _context.Pick(16, 64, 64),
        Layers = 2,
        Heads = 2,
        Stride = _stride,
        InitScale = 0.25,
    });

    public override void Show(SparseTransformer model)
    {
        DrawPatterns();
        using var scope = NewDisposeScope();
        var shares = stack([.. Enumerable.Range(0, model.Config.Layers).Select(l =>
            model.Shares(_heldOut.Inputs.narrow(0, 0, 1).to(_context.Device), l)[0])]).cpu();
        _context.Save("attention.png", "how much each position attends to each, by layer and head", new FieldPicture
        {
            Title = "Learned attention, to the power of ¼",
            Rows = [.. Enumerable.Range(0, model.Config.Layers).Select(Layer)],
            PanelSize = 280,
        }.Save);

        FieldPanel[] Layer(int l) => [.. Enumerable.Range(0, model.Config.Heads).Select(h =>
            new FieldPanel($"layer {l + 1}, head {h + 1}", shares[l, h].pow(0.25)) { Colors = ColorScale.Magnitude })];
    }

    public override Claim Judge(double[] values)
    {
        var lengths = _context.Pick([(64, 8), (128, 8), (256, 16)], new[] { (1024, 32), (2048, 64), (4096, 64), (8192, 128) },
            [(1024, 32), (2048, 64), (4096, 64), (8192, 128), (16384, 128)]);
        var speed = AttentionSpeed.Measure(_context, lengths);
        var (from, to) = _context.Pick((1, 2), (1, 3), (1, 3));
        var (slow, fast) = (speed[from], speed[to]);
        List<Condition> conditions =
        [
            new(Line($"sparse copies {values[0]:P1} (at least {Enough:P0})"), values[0] >= Enough),
            new(Line($"dense copies {values[1]:P1} (at least {Enough:P0})"), values[1] >= Enough),
            new(Line($"local only copies {values[2]:P1} (at most {Chance:P0})"), values[2] <= Chance),
            new(Line($"local and strided attention {fast.MeanSpeedUp:0.0} times faster than dense at {fast.Length} (at least {MeanGoal})"),
                fast.MeanSpeedUp >= MeanGoal),
            new(Line($"fixed attention {fast.FixedSpeedUp:0.0} times faster (at least {FixedGoal})"), fast.FixedSpeedUp >= FixedGoal),
        ];
        foreach (var (name, growth) in fast.GrowthFrom(slow))
            conditions.Add(new(Line($"{name}: {growth:0.0} times longer at {fast.Length} than at {slow.Length} (at most {GrowthGoal})"),
                growth <= GrowthGoal));
        return new Claim(SparseTransformerRecipe.Name, "copied tokens, sparse", values[0], Enough, values[2], conditions);

        static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    public override void Dispose() => _scope.Dispose();

    private PairDataset Sequences(int count, Generator generator)
    {
        var tokens = randint(16, [count, _lag], ScalarType.Int64, generator: generator);
        var copies = cat([.. Enumerable.Repeat(tokens, (_length + _lag - 1) / _lag)], 1).narrow(1, 0, _length).contiguous();
        var targets = copies.clone();
        targets.narrow(1, 0, _lag).fill_(TokenCrossEntropy.Ignored);
        return new(copies, targets);
    }

    private void DrawPatterns()
    {
        const int N = 64, L = 8, C = 2;
        using var scope = NewDisposeScope();
        static FieldPanel Panel(string name, AttentionPattern pattern) => new(name, pattern.ToMask().to(ScalarType.Float32));
        _context.Save("patterns.png", "which positions (columns) each position (row) attends to", new FieldPicture
        {
            Title = $"Patterns of {N} positions, l = {L}, c = {C}",
            Rows =
            [
                [Panel("local", AttentionPattern.Local(N, L)), Panel("strided", AttentionPattern.Strided(N, L)),
                    Panel("both in one softmax", AttentionPattern.StridedMerged(N, L))],
                [Panel("fixed, own chunk", AttentionPattern.FixedLocal(N, L)),
                    Panel("fixed, summary", AttentionPattern.FixedSummary(N, L, C)),
                    Panel("both in one softmax", AttentionPattern.Fixed(N, L, C))],
            ],
        }.Save);
    }
}
