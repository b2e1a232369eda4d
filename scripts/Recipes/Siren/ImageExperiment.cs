using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Fields;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An image as a function of its coordinates, pixel by pixel.</summary>
/// <param name="context">The run.</param>
/// <param name="path">The image; null: the photograph that comes with the recipes, or a drawn face.</param>
/// <param name="isColor">Three channels, not one.</param>
internal sealed class ImageExperiment(RecipeContext context, string? path, bool isColor) : SirenExperiment(context, SirenRecipe.Name)
{
    /// <summary>The checkpoint's note that says whether the image has colours.</summary>
    public const string ColorNote = "color";

    private const string Quality = "PSNR";

    private long Side => Context.Pick(16, 64, 512);

    private long Width => Context.Pick(16, 128, 256);

    private int Steps => Context.Epochs ?? Context.Pick(5, 500, 15_000);

    private long Channels => isColor ? 3 : 1;

    protected override IEnumerable<KeyValuePair<string, string>> Notes => isColor ? [new(ColorNote, "true")] : [];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (image, data) = Load();
        var plan = new FieldPlan(Steps, (int)data.Count, Quality, MonitorMaximum: true);
        FieldNetwork[] networks =
        [
            FieldNetwork.Sine(2, Width, 1e-4, channels: Channels),
            FieldNetwork.Other("relu", 2, Channels, Width, [1e-4, 5e-4]),
            FieldNetwork.Other("tanh", 2, Channels, Width, [1e-4, 5e-4]),
            FieldNetwork.Encoded(Side, Channels, Width, 1e-4, 5e-4),
        ];
        var step = Training.Steps.Supervised((p, f) => ImageLoss.Mse(p, f), (Quality, (p, f) => tensor(Psnr.Decibels(p, f, Peak))));
        TrainedField[] fields = [.. networks.Select(n => TrainBest(n, data, step, plan))];

        if (isColor) ShowColors(image, fields);
        else
        {
            ShowErrors(image[0], fields);
            DrawFields(Title, image[0], fields.Select(f => (f.Name, f, (Func<Tensor, Tensor>)(x => x))));
        }
        DrawLearning($"{Side}×{Side} pixels", Quality, "PSNR in dB", log: false, fields);
        return Judge(fields);
    }

    /// <summary>How well a checkpoint has the image.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        var (image, _) = Load();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        var values = FieldSamples.Values(network, FieldCoordinates.Grid([Side, Side], device: Context.Device));
        Context.Output.Table($"{Side}×{Side} pixels", ["model", "PSNR in dB"],
            [[checkpoint.ModelName!, Psnr.Decibels(values, values.dim() == 1 ? image.flatten() : image.flatten(1).t(), Peak)]]);
    }

    private (Tensor Image, PairDataset Data) Load()
    {
        var image = LoadChannels(path, Side, isColor);
        return (image, new PairDataset(FieldCoordinates.Grid([Side, Side]), image.flatten(1).t().contiguous()));
    }

    private string Title => $"{Steps} steps on {Side}×{Side} pixels";

    private void ShowColors(Tensor image, TrainedField[] fields)
    {
        using var scope = NewDisposeScope();
        Context.Output.Table("Fields after training", ["network", "learning rate", "PSNR in dB"],
            fields.Select(f => (object[])[f.Name, f.LearningRate, f.Last(Quality)]));
        var coords = FieldCoordinates.Grid([Side, Side], device: Context.Device);
        Save("images.png", "the image and each network's", new ImagePicture
        {
            Title = Title,
            Rows =
            [
                [Panel("truth", image), .. fields.Select(f => Panel(f.Name, FieldSamples.Values(f.Network, coords).t().reshape(image.shape)))],
            ],
            PanelSize = 192,
        }.Save);
    }

    private void ShowErrors(Tensor image, TrainedField[] fields)
    {
        using var scope = NewDisposeScope();
        var coords = FieldCoordinates.Grid([Side, Side], device: Context.Device);
        var (slopes, laplacians) = (Inner(Slopes(image)), Inner(Laplacians(image)));
        Context.Output.Table("Fields after training; derivatives against differences of pixels",
            ["network", "learning rate", "PSNR in dB", "error of ‖∇‖", "error of Δ"],
            fields.Select(f =>
            {
                var derivatives = FieldSamples.Derivatives(f.Network, coords);
                return (object[])[f.Name, f.LearningRate, f.Last(Quality), Error(derivatives.Slopes, slopes),
                    Error(derivatives.Laplacians!, laplacians)];
            }));

        double Error(Tensor field, Tensor truth) => ((Inner(field.reshape(Side, Side)) - truth).norm() / truth.norm()).item<float>();
    }

    private static Claim Judge(TrainedField[] fields)
    {
        const double threshold = 42, gap = 12;
        double psnr = fields[0].Last(Quality), baseline = fields[1..].Max(f => f.Last(Quality));
        return new Claim(SirenRecipe.Name, "image PSNR in dB", psnr, threshold, baseline,
        [
            new($"PSNR at least {threshold} dB ({psnr:F1} dB)", psnr >= threshold),
            new($"at least {gap} dB better than every other network ({psnr - baseline:F1} dB)", psnr >= baseline + gap),
        ]);
    }
}
