using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Models.Fields;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A prior over a family of images, which completes images of the family that it has never seen from a few of their
/// pixels.</summary>
/// <param name="context">The run.</param>
/// <param name="encoder">One of <see cref="Encoders"/>.</param>
/// <param name="folder">The images; null: cartoon faces, drawn.</param>
internal sealed class PriorExperiment(RecipeContext context, string encoder, string? folder)
    : SirenExperiment(context, SirenHyperRecipe.Name)
{
    public static readonly string[] Encoders = ["set", "conv"];

    public const string ImagesNote = "images", Cartoons = "cartoon faces";

    private const string Quality = "held-out MSE";

    private const int FewestImages = 20, Shown = 4;

    // What the paper trains with.
    private static readonly (int Fewest, int Most) TrainingPixels = (10, 200);

    private long Side => Context.Pick(16, 32, 32);

    private int[] Pixels => Context.Pick<int[]>([10, 50, 200], [10, 100, 1000], [10, 100, 1000]);

    private long Width => Context.Pick(16, 64, 256);

    private long Latent => Context.Pick(16, encoder == "conv" ? 32 : 256, 256);

    private int BatchSize => Context.Pick(8, 32, 64);

    // Convolutions cost a CPU many times what a set of some pixels does.
    private int Steps => Context.Pick(8, encoder == "conv" ? 600 : 2500, 100_000);

    // The paper's 100 is shared by the 198 000 weights of its field; of fewer weights each would cost more, those of the first layer most,
    // which are the largest and say how fine the field can be.
    private SirenPriorLoss Loss => new() { Weights = Context.Pick(10, 10, 100) };

    protected override IEnumerable<KeyValuePair<string, string>> Notes => [new(ImagesNote, Label)];

    private string Label => folder is null ? Cartoons : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    private SirenPriorConfig Config => new()
    {
        SetEncoder = encoder == "conv" ? null : new SetEncoderConfig { InFeatures = 5, HiddenFeatures = Latent, OutFeatures = Latent },
        ConvEncoder = encoder == "set" ? null : new ConvEncoderConfig
        {
            ImageResolution = Side,
            FirstFeatures = Context.Pick(8, 16, 128),
            Features = Latent,
            Blocks = Context.Pick(1, 0, 4),
        },
        HyperNet = new SirenHyperNetworkConfig { HyperInFeatures = Latent, HyperHiddenFeatures = Context.Pick(16, 128, 256) },
        HypoNet = new CoordinateMlpConfig { OutFeatures = 3, HiddenFeatures = Width },
    };

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (training, heldOut) = Load();
        Context.Output.Note("images to learn from", training.shape[0]);
        Context.Output.Note("images held out", heldOut.shape[0]);
        var batch = (int)Math.Min(BatchSize, training.shape[0]);
        var plan = new FieldPlan(Context.Epochs ?? (int)Math.Max(1, Steps * (long)batch / training.shape[0]), batch, Quality,
            MonitorMaximum: false)
        { EvaluationBatchSize = 100 };
        var trained = TrainBest(new FieldNetwork("Siren", () => new SirenPrior(Config), Context.Pick(1e-4, 5e-4, 5e-5)),
            new PairDataset(training, training), new PriorStep(Loss, Pixels[1], Context.Pick(64, 256, Side * Side)), plan, new PairDataset(heldOut, heldOut));

        var completions = Complete((SirenPrior)trained.Network, heldOut, training.mean([0]));
        Show(completions);
        Draw(heldOut, completions);
        DrawLearning($"{Label}: images completed from {Pixels[1]} pixels", Quality, "mean squared error, values in [0, 1]", log: true,
            [trained]);
        return Judge(completions[1]);
    }

    /// <summary>How well a checkpoint completes images.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var prior = Zoo.Load<SirenPrior>(checkpoint);
        prior.to(Context.Device);
        var (training, heldOut) = Load();
        var completions = Complete(prior, heldOut, training.mean([0]));
        Show(completions);
        Draw(heldOut, completions);
    }

    // (images, 3, side, side) in [−1, 1] each.
    private (Tensor Training, Tensor HeldOut) Load()
    {
        if (folder is null)
        {
            var (training, heldOut) = (Context.Pick(64, 2048, 20_000), Context.Pick(16, 200, 1000));
            using var faces = Faces.Draw(training + heldOut, Side, Context.Seed);
            return (faces[..training].clone(), faces[training..].clone());
        }
        if (!Directory.Exists(folder)) throw new ArgumentException($"Expected a folder of images, got the file '{folder}'.", "--data");
        string[] files = [.. Directory.EnumerateFiles(folder)
            .Where(f => Path.GetExtension(f).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg").Order(StringComparer.Ordinal)];
        if (files.Length < FewestImages)
            throw new ArgumentException($"Expected at least {FewestImages} PNG or JPEG images in '{folder}', got {files.Length}.", "--data");
        using var scope = NewDisposeScope();
        using var generator = new Generator(Context.Seed);
        var images = stack([.. files.Select(f => Small(f))]).index_select(0, randperm(files.Length, generator: generator));
        var rest = Math.Min(1000, files.Length / 10);
        return (images[rest..].MoveToOuterDisposeScope(), images[..rest].MoveToOuterDisposeScope());

        Tensor Small(string file)
        {
            using var inner = NewDisposeScope();
            return (2 * ImageFile.Resize(ImageFile.CenterSquare(ImageFile.Load(file)), Side, Side) - 1).MoveToOuterDisposeScope();
        }
    }

    // For each number of pixels, whose places the run's seed draws, what the prior and what needs no learning make of the images.
    private Completion[] Complete(SirenPrior prior, Tensor images, Tensor meanImage)
    {
        using var off = no_grad();
        return [.. Pixels.Select(count =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(Context.Seed);
            var known = Draw(images, count, generator);
            var made = cat([.. images.split(100).Zip(known.split(100), Completed)]);
            var nearest = stack([.. Enumerable.Range(0, (int)images.shape[0]).Select(i => NearestKnown(images[i], known[i]))]);
            return new Completion(count, known.MoveToOuterDisposeScope(), made.MoveToOuterDisposeScope(),
                Error(made, images), Error(nearest, images), Error(meanImage.expand_as(images), images));
        })];

        Tensor Completed(Tensor part, Tensor known)
        {
            using var inner = NewDisposeScope();
            return Infer(prior, part.to(Context.Device), known.to(Context.Device)).Values.transpose(1, 2).reshape(part.shape).cpu().MoveToOuterDisposeScope();
        }
    }

    // As for values in [0, 1].
    private static double Error(Tensor made, Tensor images) => ((made - images) / 2).square().mean().item<float>();

    // Different pixels of each image: (images, count), numbers in the order of their rows.
    private static Tensor Draw(Tensor images, int count, Generator? generator)
    {
        using var scope = NewDisposeScope();
        var order = rand([images.shape[0], images.shape[2] * images.shape[3]], device: images.device, generator: generator).argsort(1);
        return order.narrow(1, 0, count).contiguous().MoveToOuterDisposeScope();
    }

    // The prior's idea of images (n, 3, side, side) of which the pixels known (n, count) are given, at all pixels or some (points).
    private static SirenPriorOutput Infer(SirenPrior prior, Tensor images, Tensor known, Tensor? at = null)
    {
        var grid = FieldCoordinates.Grid(images.shape[2..], device: images.device);
        var coords = (at is null ? grid : grid[at]).unsqueeze(0);
        if (prior.Config.SetEncoder is not null)
            return prior.Forward(grid[known], Values(images).gather(1, known.unsqueeze(2).expand(-1, -1, 3)), coords);
        var latent = prior.EncodeImage(images * Mask(images, known));
        var parameters = prior.Parameters(latent);
        return new SirenPriorOutput(prior.Evaluate(coords, parameters), latent, parameters);
    }

    // (n, pixels, 3)
    private static Tensor Values(Tensor images) => images.flatten(2).transpose(1, 2);

    // 1 where a pixel is known: (n, 1, side, side)
    private static Tensor Mask(Tensor images, Tensor known) =>
        zeros([images.shape[0], images.shape[2] * images.shape[3]], device: images.device).scatter_(1, known, ones(known.shape, device: images.device))
            .reshape(images.shape[0], 1, images.shape[2], images.shape[3]);

    private void Show(IEnumerable<Completion> completions) => Context.Output.Table(
        $"{Label} that were held out: mean squared error, values in [0, 1]", ["known pixels", "prior", "nearest known pixel", "mean image"],
        completions.Select(c => (object[])[c.Count, c.Prior, c.NearestPixel, c.MeanImage]));

    private void Draw(Tensor images, IReadOnlyList<Completion> completions)
    {
        using var scope = NewDisposeScope();
        Save("images.png", "held-out images, completed from some of their pixels", new ImagePicture
        {
            Title = $"{Label} that were held out, completed from some of their pixels",
            Rows =
            [
                .. Enumerable.Range(0, (int)Math.Min(Shown, images.shape[0])).Select(i => (ImagePanel[])
                [
                    .. completions.SelectMany(c => new[] { Known(c, i), Panel(i == 0 ? "completed" : "", c.Images[i]) }),
                    Panel(i == 0 ? "truth" : "", images[i]),
                ]),
            ],
        }.Save);

        ImagePanel Known(Completion c, int i)
        {
            var one = images.narrow(0, i, 1);
            var image = where(Mask(one, c.Known.narrow(0, i, 1)) > 0, one, full_like(one, double.NaN));
            return Panel(i == 0 ? $"{c.Count} pixels" : "", image[0]);
        }
    }

    private static Claim Judge(Completion completion)
    {
        const double threshold = 0.01;
        var baseline = Math.Min(completion.NearestPixel, completion.MeanImage);
        return new Claim(SirenHyperRecipe.Name, $"held-out MSE from {completion.Count} pixels", completion.Prior, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"MSE at most {threshold} ({completion.Prior:G3})"),
                completion.Prior <= threshold),
            new(string.Create(CultureInfo.InvariantCulture,
                $"at most half of the nearest known pixel's ({completion.NearestPixel:G3}) and the mean image's ({completion.MeanImage:G3})"),
                completion.Prior <= 0.5 * baseline),
        ]);
    }

    private sealed record Completion(int Count, Tensor Known, Tensor Images, double Prior, double NearestPixel, double MeanImage);

    private sealed class PriorStep(SirenPriorLoss objective, int evaluatedPixels, long points) : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            // Few pixels as often as many, by orders of magnitude; from the generator whose state checkpoints hold.
            var (low, high) = (Math.Log(TrainingPixels.Fewest), Math.Log(TrainingPixels.Most));
            var count = (int)Math.Round(Math.Exp(low + (high - low) * rand(1).item<float>()));
            // A step at some of the pixels costs less, and there are more of them in a run.
            var at = randperm(batch.Input.shape[2] * batch.Input.shape[3], device: context.Device).narrow(0, 0, points);
            var output = Infer((SirenPrior)context.Model, batch.Input, Draw(batch.Input, count, generator: null), at);
            var loss = objective.Loss(output, Values(batch.Target).index_select(1, at));
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }

        protected override void Evaluate(Pairs batch, StepContext context)
        {
            // The same pixels every time, so that only the prior changes.
            using var generator = new Generator(0);
            var known = Draw(batch.Input.cpu(), evaluatedPixels, generator).to(context.Device);
            var values = Infer((SirenPrior)context.Model, batch.Input, known).Values;
            context.Log(Quality, Error(values, Values(batch.Target)));
        }
    }
}
