using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Grey images (Fashion-MNIST, or the PNG files of a folder) as sequences of pixels, row by row, with the strided pattern: the stride is a row's length, so that a column is
/// every l-th pixel.</summary>
internal sealed class PixelTask : SequenceTask
{
    private const double Margin = 0.1;

    // Of images from a folder: as many pixels as Fashion-MNIST's have.
    private const long Side = 28;
    private readonly RecipeContext _context;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly LabelledImages _images;
    private readonly int _levels;

    public PixelTask(RecipeContext context)
    {
        _context = context;
        _images = RecipeImages.PngFolder(context, Side) ?? RecipeImages.FashionMnistOrDigits(context,
            new ImageOptions { Train = context.Pick(8L, 1200, 60_000), Test = context.Pick(4L, 64, 2000) },
            new ImageOptions { Train = context.Pick(8L, 1200, 1400), Test = context.Pick(4L, 64, 397) });
        // A pixel of few levels is learned in few steps.
        _levels = context.Pick(16, 16, 256);
        (Train, HeldOut) = (Tokens(_images.Train), Tokens(_images.Test));
    }

    public override string Name => Images;

    public override string Title => $"{_images.Title}, {_levels} levels of grey";

    public override IDataset Train { get; }

    public override IDataset HeldOut { get; }

    public override TrainingPlan Plan => new(_context.Pick(1, 1, 30), _context.Pick(4, 8, 16), _context.Pick(3e-3, 3e-3, 3.5e-4));

    public override string Metric => Bits;

    public override IReadOnlyList<SequenceNet> Nets
    {
        get
        {
            var (rows, columns) = ((int)_images.Train.Inputs.shape[^2], (int)_images.Train.Inputs.shape[^1]);
            return Three(new SparseTransformerConfig
            {
                VocabularySize = _levels,
                Length = rows * columns,
                Dim = _context.Pick(16, 64, 256),
                Layers = _context.Pick(2, 4, 16),
                Heads = 2,
                Stride = columns,
                PositionAxes = [rows, columns],
                InitScale = _context.Pick(0.25, 0.25, 0.125),
            });
        }
    }

    public override void Show(SparseTransformer model) => SequenceSamples.Pictures(_context, model, new(null, 1, _context.Pick(2, 12, 32)));

    public override Claim Judge(double[] values) => AgainstDense("bits a pixel", values, Margin);

    public override void Dispose()
    {
        _images.Dispose();
        _scope.Dispose();
    }

    private PairDataset Tokens(PairDataset images)
    {
        var tokens = (images.Inputs.flatten(1) * (_levels - 1)).round().to(ScalarType.Int64);
        return new(tokens, tokens);
    }
}
