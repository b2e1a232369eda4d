using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Text;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The bytes of a text, with the fixed pattern.</summary>
internal sealed class TextTask : SequenceTask
{
    // How much worse than the dense net the sparse one may be, in bits a byte.
    private const double Margin = 0.1;

    private readonly RecipeContext _context;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly RecipeText _text;

    public TextTask(RecipeContext context)
    {
        _context = context;
        var length = Length;
        _text = RecipeText.Load(context, context.Data is null ? 0.05 : 0.1, length);
        // A random part of all windows, a few of those held out.
        var windows = new TokenWindows(_text.Train, length, Math.Max(1, length / 2), ahead: 0);
        Train = windows.Subset(Some(windows.Count, context.Pick(8L, 960, 20_000)));
        var heldOut = new TokenWindows(_text.HeldOut, length, ahead: 0);
        HeldOut = heldOut.Subset(Some(heldOut.Count, context.Pick(4L, 64, 500)));
    }

    public override string Name => Text;

    public override string Title => _text.Title;

    public override IDataset Train { get; }

    public override IDataset HeldOut { get; }

    public override TrainingPlan Plan => new(_context.Pick(1, 4, 16), 16, _context.Pick(4e-3, 4e-3, 3.5e-4));

    public override string Metric => Bits;

    public override IReadOnlyList<SequenceNet> Nets => Three(new SparseTransformerConfig
    {
        VocabularySize = _text.Symbols.Count,
        Length = Length,
        Dim = _context.Pick(16, 128, 512),
        Layers = _context.Pick(2, 3, 12),
        Heads = _context.Pick(2, 4, 8),
        Pattern = FactorizedPattern.Fixed,
        Layout = FactorizedAttentionLayout.Merged,
        Stride = _context.Pick(8, 16, 128),
        SummaryWidth = _context.Pick(2, 4, 16),
        InitScale = _context.Pick(0.25, 0.25, 0.125),
        Checkpoint = _context.Size == RunSize.Full,
    });

    public override IReadOnlyDictionary<string, string> Notes =>
        new Dictionary<string, string> { [SequenceSamples.Symbols] = Convert.ToHexString(_text.Symbols.Values) };

    private int Length => _context.Pick(64, 256, 4096);

    public override void Show(SparseTransformer model) =>
        SequenceSamples.Continue(_context, model, _text.Symbols, new("", 0.8, Math.Min(Length, _context.Pick(20, 250, 1000))));

    public override Claim Judge(double[] values) => AgainstDense("bits a byte", values, Margin);

    public override void Dispose() => _scope.Dispose();

    private IEnumerable<long> Some(long count, long wanted)
    {
        using var generator = new Generator(_context.Seed);
        using var order = randperm(count, generator: generator);
        return [.. order.data<long>().ToArray().Take((int)wanted)];
    }
}
