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

/// <summary>An image from its derivatives alone: the network never sees a pixel's value.</summary>
/// <param name="context">The run.</param>
/// <param name="supervision">One of <see cref="Supervisions"/>.</param>
/// <param name="path">The image; null: the photograph that comes with the recipes.</param>
/// <param name="other">The image to compose it with; null: the same, mirrored, or another drawn face.</param>
/// <param name="isColor">Three channels, not one.</param>
internal sealed class PoissonExperiment(RecipeContext context, string supervision, string? path, string? other, bool isColor)
    : SirenExperiment(context, SirenPoissonRecipe.Name)
{
    private const string Quality = "PSNR";

    // In pixels. An image's Laplacian is strongest in waves of two pixels; of these its samples say nothing: the network meets the
    // Laplacian at every pixel and is another image all the same. Smoothed so much, the Laplacian is resolved by the pixels.
    private const double Smoothing = 2;

    public static readonly string[] Supervisions = ["gradients", "laplacian", "composition"];

    private long Side => Context.Pick(16, 64, 512);

    private long Width => Context.Pick(16, 128, 256);

    private int Steps => Context.Epochs ?? Context.Pick(5, 400, 10_000);

    private long Channels => isColor ? 3 : 1;

    private bool ByLaplacian => supervision == "laplacian";

    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
    [
        new("supervision", supervision),
        .. isColor ? [new(ImageExperiment.ColorNote, "true")] : Array.Empty<KeyValuePair<string, string>>(),
    ];

    // The second is the paper's baseline. A ReLU network has nothing to learn from a Laplacian, so there tanh is shown beside it.
    private FieldNetwork[] Networks =>
    [
        FieldNetwork.Sine(2, Width, 1e-4, channels: Channels),
        FieldNetwork.Other("relu", 2, Channels, Width, [5e-4]),
        .. ByLaplacian ? [FieldNetwork.Other("tanh", 2, Width, 5e-4)] : Array.Empty<FieldNetwork>(),
    ];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var image = LoadTruth();
        var data = Derivatives(image);
        var plan = new FieldPlan(Steps, (int)data.Count, Quality, MonitorMaximum: true);
        var step = new DerivativeStep(ByLaplacian, isColor ? GradientLoss.ColourWeights : null, network => Reconstruction(network, image));
        TrainedField[] fields = [.. Networks.Select(n => TrainBest(n, data, step, plan))];

        Context.Output.Table($"Fields trained on {supervision} alone; what these leave open is taken from the image",
            ["network", "learning rate", "loss", "PSNR in dB"],
            fields.Select(f => (object[])[f.Name, f.LearningRate, f.Result.History[^1].Training["loss"], f.Last(Quality)]));
        var title = $"{Steps} steps on the {supervision} of {Side}×{Side} pixels";
        if (isColor) DrawColors(title, image, fields);
        else
            DrawFields(title, image[0],
                fields.Select(f => (f.Name, f, (Func<Tensor, Tensor>)(x => x - Ambiguity((x - image[0]).unsqueeze(0))[0]))));
        DrawLearning($"trained on {supervision} alone", Quality, "PSNR in dB", log: false, fields);
        return Judge(fields);
    }

    /// <summary>How well a checkpoint has the image.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        Context.Output.Table($"{supervision} of {Side}×{Side} pixels", ["model", "PSNR in dB"],
            [[checkpoint.ModelName!, Reconstruction(network, LoadTruth())]]);
    }

    // Gradients are linear: the composition of two images' gradients belongs to the mean of the two.
    private Tensor LoadTruth()
    {
        using var scope = NewDisposeScope();
        var image = LoadChannels(path, Side, isColor);
        if (ByLaplacian) image = Smooth(image);
        if (supervision != "composition") return image.MoveToOuterDisposeScope();
        var second = LoadOther(image);
        return (0.5 * image + 0.5 * second).MoveToOuterDisposeScope();
    }

    private Tensor LoadOther(Tensor image) => other is not null ? LoadChannels(other, Side, isColor)
        : isColor && path is null ? LoadChannels(null, Side, isColor, face: 1) : image.flip(2);

    private static Tensor Smooth(Tensor image)
    {
        using var scope = NewDisposeScope();
        var pixel = arange(image.shape[^1], ScalarType.Float32);
        var weights = ((pixel.unsqueeze(1) - pixel).square() * (-0.5 / (Smoothing * Smoothing))).exp();
        weights /= weights.sum(1, keepdim: true);
        return weights.matmul(image).matmul(weights.t()).MoveToOuterDisposeScope();
    }

    // The inner pixels, which have neighbours on every side.
    private PairDataset Derivatives(Tensor image)
    {
        var coords = Inner(FieldCoordinates.Grid([Side, Side]).reshape(Side, Side, 2)).reshape(-1, 2);
        return supervision switch
        {
            "laplacian" => new PairDataset(coords, Inner(LaplacianOf(image[0])).reshape(-1, 1)),
            "gradients" => new PairDataset(coords, Gradients(image)),
            _ => Composition(coords),
        };
    }

    private PairDataset Composition(Tensor coords)
    {
        var first = LoadChannels(path, Side, isColor);
        return new PairDataset(coords, GradientLoss.Compose(Gradients(first), Gradients(LoadOther(first))));
    }

    // (inner pixels, 2·channels), channel by channel.
    private static Tensor Gradients(Tensor image)
    {
        using var scope = NewDisposeScope();
        return cat([.. image.unbind(0).Select(c => ImageDerivatives.Central(c).reshape(-1, 2))], 1).MoveToOuterDisposeScope();
    }

    private double Reconstruction(nn.Module<Tensor, Tensor> network, Tensor image)
    {
        using var scope = NewDisposeScope();
        return Psnr.Decibels(Reconstructed(network, image), image, Peak);
    }

    private Tensor Reconstructed(nn.Module<Tensor, Tensor> network, Tensor image)
    {
        using var scope = NewDisposeScope();
        var values = FieldSamples.Values(network, FieldCoordinates.Grid([Side, Side], device: Context.Device)).t().reshape(image.shape);
        return (values - Ambiguity(values - image)).MoveToOuterDisposeScope();
    }

    private void DrawColors(string title, Tensor image, TrainedField[] fields)
    {
        using var scope = NewDisposeScope();
        ImagePanel[] parts = supervision != "composition" ? []
            : LoadChannels(path, Side, isColor) is var first ? [Panel("first", first), Panel("second", LoadOther(first))] : [];
        Save("images.png", "the image and each network's", new ImagePicture
        {
            Title = title,
            Rows = [[.. parts, Panel("truth", image), .. fields.Select(f => Panel(f.Name, Reconstructed(f.Network, image)))]],
            PanelSize = 192,
        }.Save);
    }

    /// <summary>The part of an error that the supervision can't know: a constant; with Laplacians, the harmonic function of the same
    /// boundary values.</summary>
    private Tensor Ambiguity(Tensor error)
    {
        using var scope = NewDisposeScope();
        if (!ByLaplacian) return error.mean([1, 2], keepdim: true).MoveToOuterDisposeScope();
        var step = 2.0 / (Side - 1);
        using var poisson = new DirichletPoisson([Side - 2, Side - 2], [step, step]);
        // What is 0 on the boundary and has the error's Laplacian.
        var rest = poisson.Solve(-Inner(LaplacianOf(error[0].to(ScalarType.Float64))));
        return (error - nn.functional.pad(rest, [1, 1, 1, 1]).to(error.dtype)).MoveToOuterDisposeScope();
    }

    private Claim Judge(TrainedField[] fields)
    {
        const double threshold = 30, gap = 8;
        double psnr = fields[0].Last(Quality), baseline = fields[1].Last(Quality);
        return new Claim(SirenPoissonRecipe.Name, $"PSNR in dB from {supervision}", psnr, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"PSNR at least {threshold} dB ({psnr:F1} dB)"), psnr >= threshold),
            new(string.Create(CultureInfo.InvariantCulture, $"at least {gap} dB better than {fields[1].Name} ({psnr - baseline:F1} dB)"),
                psnr >= baseline + gap),
        ]);
    }

    private sealed class DerivativeStep(bool byLaplacian, IReadOnlyList<double>? weights, Func<nn.Module<Tensor, Tensor>, double> quality)
        : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            var jet = FieldSamples.Jet((nn.Module<Tensor, Tensor>)context.Model, batch.Input, byLaplacian);
            var loss = byLaplacian ? LaplaceLoss.Mse(jet.Laplacian, batch.Target)
                : GradientLoss.Mse(jet.Gradient.flatten(-2), batch.Target, weights);
            // A ReLU network's Laplacian is 0 whatever its weights are: there is no gradient.
            if (loss.requires_grad)
            {
                context.Backward(loss);
                context.Update();
            }
            context.Log("loss", loss);
        }

        protected override void Evaluate(Pairs batch, StepContext context) =>
            context.Log(Quality, quality((nn.Module<Tensor, Tensor>)context.Model));
    }
}
