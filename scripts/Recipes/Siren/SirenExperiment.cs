using System.Globalization;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Models.Fields;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What the experiments with fields have in common: images, training with Adam, reloading from the file, pictures.</summary>
/// <param name="context">The run.</param>
/// <param name="recipe">The recipe's name, for the checkpoint's notes.</param>
internal abstract class SirenExperiment(RecipeContext context, string recipe)
{
    /// <summary>Image values lie in [−1, 1].</summary>
    protected const double Peak = 2;

    // Often enough to see a curve.
    private const int Evaluations = 50;

    protected RecipeContext Context => context;

    public abstract Claim Run();

    /// <summary>What further notes the checkpoints get.</summary>
    protected virtual IEnumerable<KeyValuePair<string, string>> Notes => [];

    /// <summary>Trains a network with each of its learning rates and returns the one that a metric says is best; the run's own seed makes
    /// the weights.</summary>
    /// <param name="network">What to train.</param>
    /// <param name="data">On what.</param>
    /// <param name="step">How.</param>
    /// <param name="plan">How long.</param>
    /// <param name="validation">On what it is evaluated; null: on what it is trained on.</param>
    protected TrainedField TrainBest(FieldNetwork network, IDataset data, TrainingStep step, FieldPlan plan, IDataset? validation = null)
    {
        TrainedField? best = null;
        foreach (var rate in network.LearningRates)
        {
            var trained = Train(network, rate, data, step, plan, validation ?? data);
            var better = best is null ? 1 : trained.Last(plan.Monitor).CompareTo(best.Last(plan.Monitor)) * (plan.MonitorMaximum ? 1 : -1);
            if (better > 0) best = trained;
        }
        return best!;
    }

    private TrainedField Train(FieldNetwork network, double rate, IDataset data, TrainingStep step, FieldPlan plan,
        IDataset validation)
    {
        random.manual_seed(unchecked((long)context.Seed));
        using var fresh = network.Make();
        // The first network is what the run is about: its checkpoints are in the run's folder itself.
        var folder = network.Name == "Siren" ? "" : FormattableString.Invariant($"{network.Name.ToLowerInvariant().Replace(' ', '-')}-{rate:0e-0}");
        var name = string.Create(CultureInfo.InvariantCulture, $"Training {network.Name}, learning rate {rate:0e-0}");
        var trainer = new Trainer(fresh, context.TrainerOptions(context.PathOf(folder)) with
        {
            Epochs = plan.Epochs,
            BatchSize = plan.BatchSize,
            EvaluationBatchSize = plan.EvaluationBatchSize,
            Shuffle = plan.BatchSize < data.Count,
            ClipNorm = plan.ClipNorm,
            Monitor = plan.Monitor,
            MonitorMaximum = plan.MonitorMaximum,
            EvaluateEvery = Math.Max(1, plan.Epochs / Evaluations),
            CheckpointEveryEpochs = Math.Max(1, plan.Epochs / Evaluations),
        })
        {
            Name = name,
            Callbacks = context.Callbacks(name),
            Optimizer = p => new FusedAdam(p, rate),
            Schedule = plan.Schedule,
            Step = step,
            Notes = new Dictionary<string, string>(Notes)
            {
                [Recipe.NoteName] = recipe,
                ["size"] = context.Size.ToString(),
                ["seed"] = context.Seed.ToString(CultureInfo.InvariantCulture),
            },
            Progress = context.Progress,
        };
        var result = trainer.Fit(data, validation, context.Cancellation);
        var again = Zoo.Load<nn.Module<Tensor, Tensor>>(result.LastCheckpoint!);
        again.to(context.Device);
        return new TrainedField(network.Name, rate, again, result);
    }

    /// <summary>A grey image in [−1, 1]: the middle square of a file, or of the photograph that comes with the recipes. (side,
    /// side)</summary>
    protected static Tensor LoadImage(string? path, long side)
    {
        using var scope = NewDisposeScope();
        using var photograph = path is null ? typeof(SirenExperiment).Assembly.GetManifestResourceStream("data/camera.png")! : null;
        var image = photograph is null ? ImageFile.Load(path!, ImageChannels.Grey)
            : ImageFile.Load(photograph, ImageChannels.Grey, "data/camera.png");
        return (2 * ImageFile.Resize(ImageFile.CenterSquare(image), side, side) - 1).squeeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>An image in [−1, 1] in its colours, or grey: the middle square of a file, or of the photograph that comes with the
    /// recipes; instead of the latter, in colours, a drawn face. (1 or 3, side, side)</summary>
    /// <param name="path">The file; null: one that needs none.</param>
    /// <param name="side">Pixels along a side.</param>
    /// <param name="isColor">Three channels.</param>
    /// <param name="face">Which face.</param>
    protected static Tensor LoadChannels(string? path, long side, bool isColor, ulong face = 0)
    {
        using var scope = NewDisposeScope();
        return (!isColor ? LoadImage(path, side).unsqueeze(0) : path is null ? Faces.Draw(1, side, face).squeeze(0)
            : 2 * ImageFile.Resize(ImageFile.CenterSquare(ImageFile.Load(path)), side, side) - 1).MoveToOuterDisposeScope();
    }

    /// <summary>An image in colours for a picture.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="image">(channels, side, side) in [−1, 1]</param>
    protected static ImagePanel Panel(string title, Tensor image)
    {
        using var scope = NewDisposeScope();
        return new ImagePanel(title, (image + 1) / 2);
    }

    /// <summary>The norm of an image's gradient by differences, in the coordinates' units. (side, side); the outermost pixels are not
    /// finite.</summary>
    protected static Tensor Slopes(Tensor image)
    {
        using var scope = NewDisposeScope();
        return WithoutBorder(ImageDerivatives.Central(image).norm(-1)).MoveToOuterDisposeScope();
    }

    /// <summary>An image's Laplacian by differences, in the coordinates' units. (side, side); the outermost pixels are not
    /// finite.</summary>
    protected static Tensor Laplacians(Tensor image)
    {
        using var scope = NewDisposeScope();
        return WithoutBorder(Inner(LaplacianOf(image))).MoveToOuterDisposeScope();
    }

    protected static Tensor LaplacianOf(Tensor image)
    {
        using var scope = NewDisposeScope();
        var step = 2.0 / (image.shape[0] - 1);
        return (ImageDerivatives.Laplacian(image).reshape(image.shape) / (step * step)).MoveToOuterDisposeScope();
    }

    /// <summary>An image of which only some pixels are known: every pixel as the known one that is nearest to it.</summary>
    /// <param name="image">(channels, rows, columns)</param>
    /// <param name="known">Numbers of the known pixels, in the order of the rows.</param>
    protected static Tensor NearestKnown(Tensor image, Tensor known)
    {
        using var scope = NewDisposeScope();
        var grid = FieldCoordinates.Grid(image.shape[1..]);
        var places = grid[known];
        // In parts, for all distances of a large image fit into no memory.
        var nearest = cat([.. grid.split(1024).Select(g => cdist(g, places).argmin(1))]);
        return image.flatten(1).index_select(1, known[nearest]).reshape(image.shape).MoveToOuterDisposeScope();
    }

    /// <summary>All but the outermost pixels.</summary>
    protected static Tensor Inner(Tensor image) => image[1..^1, 1..^1];

    private static Tensor WithoutBorder(Tensor inner) => nn.functional.pad(inner, [1, 1, 1, 1], PaddingModes.Constant, double.NaN);

    /// <summary>A picture with a row for the truth and one for each network: value, norm of the gradient, Laplacian.</summary>
    protected void DrawFields(string title, Tensor image, IEnumerable<(string Name, TrainedField Field, Func<Tensor, Tensor> Show)> fields)
    {
        using var scope = NewDisposeScope();
        var side = image.shape[0];
        var coords = FieldCoordinates.Grid([side, side], device: context.Device);
        var rows = new List<FieldPanel[]> { Row("truth", image, Slopes(image), Laplacians(image)) };
        foreach (var (name, field, show) in fields)
        {
            var (values, slopes, laplacians) = FieldSamples.Derivatives(field.Network, coords);
            rows.Add(Row(name, show(values.reshape(side, side)), slopes.reshape(side, side), laplacians!.reshape(side, side)));
        }
        Save("fields.png", "the image and each network's field, with gradients and Laplacians",
            new FieldPicture { Title = title, Rows = rows }.Save);

        static FieldPanel[] Row(string name, Tensor values, Tensor slopes, Tensor laplacians) =>
        [
            new(name, values) { Scale = "value" },
            new($"{name}: slope", slopes) { Scale = "slope", Colors = ColorScale.Magnitude },
            new($"{name}: Laplacian", laplacians) { Scale = "Laplacian", Colors = ColorScale.Diverging },
        ];
    }

    /// <summary>Curves of a metric over the steps.</summary>
    protected void DrawLearning(string title, string metric, string label, bool log, IReadOnlyList<TrainedField> fields) =>
        Save("learning.png", $"{label} while training", path => new LinePlot
        {
            Title = title,
            XLabel = "step",
            YLabel = label,
            LogY = log,
            Series = [.. fields.Select(f =>
            {
                var evaluated = f.Result.History.Where(h => h.Validation.ContainsKey(metric)).ToArray();
                return new Series(f.Name, [.. evaluated.Select(h => (double)h.Step)], [.. evaluated.Select(h => h.Validation[metric])]);
            })],
        }.Save(path, 640, 420));

    /// <summary>Writes a file into the run's folder and says so.</summary>
    protected void Save(string name, string what, Action<string> save) => context.Save(name, what, save);
}
