using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Losses;
using TorchZoo.Models.Fields;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A video as a function of time, row and column.</summary>
/// <param name="context">The run.</param>
/// <param name="folder">Its frames, images in the order of their names, in colours; null: a camera's way over the photograph that comes
/// with the recipes.</param>
internal sealed class VideoExperiment(RecipeContext context, string? folder) : SirenExperiment(context, SirenVideoRecipe.Name)
{
    /// <summary>The checkpoint's note of what the video is, and what it says of the one that needs no file.</summary>
    public const string VideoNote = "video", Pan = "pan over the photograph";

    private const string Quality = "PSNR";

    private const int Shown = 5;

    private long Side => Context.Pick(16, 64, 256);

    private int MostFrames => Context.Pick(4, 16, 300);

    private long Width => Context.Pick(16, 128, 1024);

    // Of all pixels, in a step; the paper's is the last.
    private double Fraction => Context.Pick(0.25, 0.0625, 0.0038);

    private int Steps => Context.Pick(8, 1000, 100_000);

    protected override IEnumerable<KeyValuePair<string, string>> Notes => [new(VideoNote, Label)];

    private string Label => folder is null ? Pan : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var video = Load();
        var (frames, channels) = (video.shape[0], video.shape[1]);
        var data = new PairDataset(Coordinates(frames), video.permute(0, 2, 3, 1).reshape(-1, channels));
        Context.Output.Note("frames", frames);
        Context.Output.Note("pixels", data.Count);
        var batch = (int)Math.Max(1, Fraction * data.Count);
        var plan = new FieldPlan(Context.Epochs ?? (int)Math.Max(1, Steps * (long)batch / data.Count), batch, Quality, MonitorMaximum: true)
        { EvaluationBatchSize = (int)Math.Min(data.Count, 1 << 18) };
        FieldNetwork[] networks =
        [
            FieldNetwork.Sine(3, Width, 1e-4, channels: channels), FieldNetwork.Other("relu", 3, channels, Width, [1e-4, 5e-4]),
        ];
        var step = Training.Steps.Supervised((p, f) => ImageLoss.Mse(p, f), (Quality, (p, f) => tensor(Psnr.Decibels(p, f, Peak))));
        TrainedField[] fields = [.. networks.Select(n => TrainBest(n, data, step, plan))];

        Tensor[] made = [.. fields.Select(f => VideoOf(f.Network, video))];
        double[] means = [.. made.Select(m => MeanPsnr(m, video))];
        Context.Output.Table($"{Label}: {frames} frames of {Side}×{Side} pixels", ["network", "learning rate", "mean PSNR of the frames in dB"],
            fields.Zip(means, (f, m) => (object[])[f.Name, f.LearningRate, m]));
        Draw([("truth", video), .. fields.Zip(made, (f, m) => (f.Name, m))]);
        WriteFrames(made[0]);
        DrawLearning($"{Label}: {frames} frames", Quality, "PSNR in dB", log: false, fields);
        return Judge(means[0], means[1]);
    }

    /// <summary>How well a checkpoint has the video, and its frames.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        var video = Load();
        var made = VideoOf(network, video);
        Context.Output.Table($"{Label}: {video.shape[0]} frames of {Side}×{Side} pixels", ["model", "mean PSNR of the frames in dB"],
            [[checkpoint.ModelName!, MeanPsnr(made, video)]]);
        WriteFrames(made);
    }

    // (frames, channels, side, side) in [−1, 1]
    private Tensor Load()
    {
        using var scope = NewDisposeScope();
        if (folder is null) return PanOver(LoadImage(null, 512)).MoveToOuterDisposeScope();
        string[] files = [.. Directory.EnumerateFiles(folder)
            .Where(f => Path.GetExtension(f).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg").Order(StringComparer.Ordinal)
            .Take(MostFrames)];
        if (files.Length < 2)
            throw new ArgumentException($"Expected at least two PNG or JPEG images in '{folder}', got {files.Length}.", "--frames");
        return stack([.. files.Select(f => LoadChannels(f, Side, isColor: true))]).MoveToOuterDisposeScope();
    }

    // A window of half the photograph's side goes around its middle once.
    private Tensor PanOver(Tensor photograph)
    {
        const int size = 256, middle = 128, radius = 80;
        return stack([.. Enumerable.Range(0, MostFrames).Select(i =>
        {
            var angle = 2 * Math.PI * i / MostFrames;
            var (row, column) = (middle + (long)Math.Round(radius * Math.Sin(angle)), middle + (long)Math.Round(radius * Math.Cos(angle)));
            return ImageFile.Resize(photograph.narrow(0, row, size).narrow(1, column, size), Side, Side).unsqueeze(0);
        })]);
    }

    private Tensor Coordinates(long frames) => FieldCoordinates.Grid([frames, Side, Side]);

    private Tensor VideoOf(nn.Module<Tensor, Tensor> network, Tensor video)
    {
        using var scope = NewDisposeScope();
        var values = FieldSamples.Values(network, Coordinates(video.shape[0]).to(Context.Device));
        return values.reshape(video.shape[0], Side, Side, video.shape[1]).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    private static double MeanPsnr(Tensor made, Tensor video) =>
        Enumerable.Range(0, (int)video.shape[0]).Average(i => Psnr.Decibels(made[i], video[i], Peak));

    private void Draw(IReadOnlyList<(string Name, Tensor Video)> videos)
    {
        using var scope = NewDisposeScope();
        var last = (int)videos[0].Video.shape[0] - 1;
        int[] chosen = [.. Enumerable.Range(0, Math.Min(Shown, last + 1)).Select(i => last * i / Math.Min(Shown - 1, last))];
        Save("strip.png", "some frames of the video and of each network", new ImagePicture
        {
            Title = Label,
            Rows = [.. videos.Select(v => (ImagePanel[])[.. chosen.Select(i => Panel($"{v.Name}, frame {i}", v.Video[i]))])],
        }.Save);
    }

    private void WriteFrames(Tensor video) => Save("frames", "the frames as the network has them", path =>
    {
        Directory.CreateDirectory(path);
        using var scope = NewDisposeScope();
        for (var i = 0; i < video.shape[0]; i++) ImageFile.Save(Path.Combine(path, $"{i:D4}.png"), (video[i] + 1) / 2);
    });

    private static Claim Judge(double psnr, double baseline)
    {
        const double threshold = 28, gap = 3;
        return new Claim(SirenVideoRecipe.Name, "mean PSNR of frames in dB", psnr, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"mean PSNR at least {threshold} dB ({psnr:F1} dB)"), psnr >= threshold),
            new(string.Create(CultureInfo.InvariantCulture, $"at least {gap} dB better than ReLU ({psnr - baseline:F1} dB)"),
                psnr >= baseline + gap),
        ]);
    }
}
