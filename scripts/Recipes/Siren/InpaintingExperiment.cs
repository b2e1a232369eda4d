using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An image of which only some pixels are known, as a function of its coordinates that a prior makes smooth between
/// them.</summary>
/// <param name="context">The run.</param>
/// <param name="path">The image; null: the photograph that comes with the recipes, or a drawn face.</param>
/// <param name="isColor">Three channels, not one.</param>
/// <param name="known">The fraction of the pixels that is known, in (0, 1).</param>
/// <param name="prior">One of <see cref="Priors"/>.</param>
/// <param name="weight">The prior's weight in the loss; null: this recipe's own.</param>
internal sealed class InpaintingExperiment(RecipeContext context, string? path, bool isColor, double known, string prior, double? weight)
    : SirenExperiment(context, SirenRecipe.Name)
{
    public static readonly string[] Priors = ["hessian", "tv", "none"];

    /// <summary>The checkpoint's note that says which fraction of the pixels was known.</summary>
    public const string KnownNote = "known";

    private const string Quality = "PSNR of hidden pixels";

    private long Side => Context.Pick(16, 64, 512);

    private long Width => Context.Pick(16, 128, 256);

    private int Steps => Context.Epochs ?? Context.Pick(5, 500, 5000);

    private long Channels => isColor ? 3 : 1;

    // Means over the points of |∂Φ| in the coordinates' units, and of ‖∂²Φ‖, whose unit has another power of them.
    private double Weight => weight ?? (prior == "hessian" ? 1e-5 : 1e-3);

    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
    [
        new(KnownNote, known.ToString(CultureInfo.InvariantCulture)),
        .. isColor ? [new(ImageExperiment.ColorNote, "true")] : Array.Empty<KeyValuePair<string, string>>(),
    ];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (image, data) = Load();
        var hidden = data.Targets.narrow(1, Channels, 1) == 0;
        var plan = new FieldPlan(Steps, (int)data.Count, Quality, MonitorMaximum: true);
        var siren = FieldNetwork.Sine(2, Width, 1e-4, channels: Channels);
        var fields = new List<TrainedField> { TrainBest(siren, data, new InpaintingStep(prior, Weight), plan) };
        if (prior != "none") fields.Add(TrainBest(siren with { Name = "Siren without prior" }, data, new InpaintingStep("none", 0), plan));
        fields.Add(TrainBest(FieldNetwork.Other("relu", 2, Channels, Width, [1e-4, 5e-4]), data, new InpaintingStep("none", 0), plan));

        var nearest = Nearest(image, hidden);
        (string Name, Tensor Image)[] made = [.. fields.Select(f => (f.Name, ImageOf(f.Network))), ("nearest known pixel", nearest)];
        Show(made, image, hidden);
        Draw(made, image, hidden);
        DrawLearning($"{known:P0} of {Side}×{Side} pixels known", Quality, "PSNR of the hidden pixels in dB", log: false, fields);
        return Judge(fields, QualityOf(nearest, image, hidden));
    }

    /// <summary>How well a checkpoint has the image's hidden pixels.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        var (image, data) = Load();
        var hidden = data.Targets.narrow(1, Channels, 1) == 0;
        (string, Tensor)[] made = [(checkpoint.ModelName!, ImageOf(network)), ("nearest known pixel", Nearest(image, hidden))];
        Show(made, image, hidden);
        Draw(made, image, hidden);
    }

    // The image, and its pixels with 1 beside those that are known.
    private (Tensor Image, PairDataset Data) Load()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(Context.Seed);
        var image = LoadChannels(path, Side, isColor);
        var pixels = Side * Side;
        var chosen = randperm(pixels, generator: generator).narrow(0, 0, Math.Clamp((long)Math.Round(known * pixels), 1, pixels - 1));
        var mask = zeros(pixels, 1).index_fill_(0, chosen, 1);
        var values = cat([image.flatten(1).t(), mask], 1);
        return (image.MoveToOuterDisposeScope(), new PairDataset(
            FieldCoordinates.Grid([Side, Side]).MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope()));
    }

    private Tensor ImageOf(nn.Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var values = FieldSamples.Values(network, FieldCoordinates.Grid([Side, Side], device: Context.Device));
        return values.t().reshape(Channels, Side, Side).MoveToOuterDisposeScope();
    }

    private static Tensor Nearest(Tensor image, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return NearestKnown(image, hidden.squeeze(1).logical_not().nonzero().squeeze(1)).MoveToOuterDisposeScope();
    }

    private static double QualityOf(Tensor made, Tensor image, Tensor chosen)
    {
        using var scope = NewDisposeScope();
        var at = chosen.squeeze(1);
        return Psnr.Decibels(made.flatten(1).t()[at], image.flatten(1).t()[at], Peak);
    }

    private void Show(IEnumerable<(string Name, Tensor Image)> made, Tensor image, Tensor hidden) => Context.Output.Table(
        string.Create(CultureInfo.InvariantCulture, $"{known:P0} of {Side}×{Side} pixels known: PSNR in dB"),
        ["image", "hidden pixels", "known pixels"],
        made.Select(m => (object[])[m.Name, QualityOf(m.Image, image, hidden), QualityOf(m.Image, image, hidden.logical_not())]));

    private void Draw(IEnumerable<(string Name, Tensor Image)> made, Tensor image, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var masked = image.masked_fill(hidden.reshape(1, Side, Side), double.NaN);
        Save("inpainting.png", "what is known of the image, what was made of it, and the truth", new ImagePicture
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"{known:P0} of {Side}×{Side} pixels known"),
            Rows = [[Panel("known", masked), .. made.Select(m => Panel(m.Name, m.Image)), Panel("truth", image)]],
            PanelSize = 192,
        }.Save);
    }

    private static Claim Judge(IReadOnlyList<TrainedField> fields, double nearest)
    {
        const double gap = 1;
        var psnr = fields[0].Last(Quality);
        var conditions = new List<Condition>
        {
            new(string.Create(CultureInfo.InvariantCulture,
                $"at least {gap} dB better than the nearest known pixel ({psnr - nearest:F1} dB)"), psnr >= nearest + gap),
        };
        foreach (var other in fields.Skip(1))
            conditions.Add(new(string.Create(CultureInfo.InvariantCulture,
                $"better than {other.Name} ({psnr - other.Last(Quality):F1} dB)"), psnr > other.Last(Quality)));
        return new Claim(SirenRecipe.Name, "PSNR of hidden pixels in dB", psnr, nearest + gap, nearest, conditions);
    }

    private sealed class InpaintingStep(string prior, double weight) : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            var (target, mask) = Parts(batch);
            var loss = ImageLoss.Mse(context.Predict(batch.Input), target, mask);
            if (prior != "none") loss += weight * Prior((nn.Module<Tensor, Tensor>)context.Model, batch.Count / 2);
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }

        protected override void Evaluate(Pairs batch, StepContext context)
        {
            var (target, mask) = Parts(batch);
            var hidden = mask.squeeze(1) == 0;
            context.Log(Quality, Psnr.Decibels(context.Predict(batch.Input)[hidden], target[hidden], Peak));
        }

        private static (Tensor Values, Tensor Mask) Parts(Pairs batch)
        {
            var channels = batch.Target.shape[1] - 1;
            return (batch.Target.narrow(1, 0, channels), batch.Target.narrow(1, channels, 1));
        }

        // At fresh points between the pixels, from the generator whose state checkpoints hold.
        private Tensor Prior(nn.Module<Tensor, Tensor> field, long points)
        {
            var device = field.parameters().First().device;
            var coords = FieldCoordinates.Uniform(Math.Max(1, points), 2, device: device);
            if (prior == "tv") return ImageLoss.TotalVariation(FieldSamples.Jet(field, coords, laplacian: false).Gradient);
            coords.requires_grad_();
            return ImageLoss.HessianFrobenius(DifferentialOperators.Hessian(field.call(coords), coords));
        }
    }
}
