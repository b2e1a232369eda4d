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

/// <summary>A sound as a function of time, sample by sample.</summary>
/// <param name="context">The run.</param>
/// <param name="path">The sound, a WAVE file, whose channels are averaged; null: a tune made of formulas.</param>
/// <param name="seconds">How much of it, from its beginning; null: as much as the run's size bears.</param>
internal sealed class AudioExperiment(RecipeContext context, string? path, double? seconds)
    : SirenExperiment(context, SirenAudioRecipe.Name)
{
    /// <summary>Notes of the checkpoint, and what the first says of the tune that needs no file.</summary>
    public const string SoundNote = "sound", SecondsNote = "seconds", Tune = "tune";

    private const string Quality = "SNR";

    // A sound swings more often between −1 and 1 than an image does.
    private const double FirstOmega0 = 3000;

    private const int WindowSize = 256;

    private double Seconds => seconds ?? Context.Pick(0.25, 2.0, 7.0);

    private int OwnRate => Context.Pick(8000, 8000, 44_100);

    private long Width => Context.Pick(16, 128, 256);

    private int BatchSize => Context.Pick(1000, 4000, 1 << 18);

    private int Steps => Context.Pick(8, 1000, 10_000);

    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
        [new(SoundNote, Label), new(SecondsNote, Seconds.ToString(CultureInfo.InvariantCulture))];

    private string Label => path is null ? Tune : Path.GetFileName(path);

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (truth, rate) = Load();
        var data = new PairDataset(Times(truth), truth.unsqueeze(1));
        Context.Output.Note("samples", data.Count);
        Context.Output.Note("samples a second", rate);
        var batch = (int)Math.Min(BatchSize, data.Count);
        var plan = new FieldPlan(Context.Epochs ?? (int)Math.Max(1, Steps * (long)batch / data.Count), batch, Quality, MonitorMaximum: true)
        { EvaluationBatchSize = (int)Math.Min(data.Count, 1 << 20) };
        FieldNetwork[] networks =
        [
            FieldNetwork.Sine(1, Width, 1e-4, FirstOmega0),
            FieldNetwork.Other("relu", 1, Width, 1e-4, 5e-4),
            FieldNetwork.EncodedSignal(data.Count, Width, 1e-4, 5e-4),
        ];
        var step = Training.Steps.Supervised((p, f) => ImageLoss.Mse(p, f), (Quality, (p, f) => tensor(Snr.Decibels(p, f))));
        TrainedField[] fields = [.. networks.Select(n => TrainBest(n, data, step, plan))];

        Context.Output.Table($"{Label}, {data.Count} samples", ["network", "learning rate", "SNR in dB"],
            fields.Select(f => (object[])[f.Name, f.LearningRate, f.Last(Quality)]));
        var coords = data.Inputs.to(Context.Device);
        (string Name, Tensor Samples)[] sounds =
            [("truth", truth), .. fields.Select(f => (f.Name, FieldSamples.Values(f.Network, coords)))];
        foreach (var (name, samples) in sounds) Write(name, samples, rate);
        Draw(sounds, rate);
        DrawLearning($"{Label}: {data.Count} samples", Quality, "SNR in dB", log: false, fields);
        return Judge(fields);
    }

    /// <summary>How well a checkpoint has the sound, and what it sounds like.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        var (truth, rate) = Load();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        var values = FieldSamples.Values(network, Times(truth).to(Context.Device));
        Context.Output.Table($"{Label}, {truth.shape[0]} samples", ["model", "SNR in dB"],
            [[checkpoint.ModelName!, Snr.Decibels(values, truth)]]);
        Write(checkpoint.ModelName!, values, rate);
    }

    // (samples) of largest amplitude 1, and how many there are a second.
    private (Tensor Samples, int Rate) Load()
    {
        using var scope = NewDisposeScope();
        using var sound = path is null ? Melody.Play(Seconds, OwnRate) : WaveFile.Load(path);
        var mono = sound.Samples.mean([0]);
        mono = mono.narrow(0, 0, (long)Math.Min(mono.shape[0], Math.Ceiling(Seconds * sound.SampleRate)));
        if (mono.shape[0] < WindowSize)
            throw new ArgumentException($"{Label}: expected at least {WindowSize} samples, got {mono.shape[0]}.", "--audio");
        var loudest = mono.abs().max();
        if (loudest.item<float>() == 0)
            throw new ArgumentException($"{Label}: expected a sound, got {Seconds} seconds of silence.", "--audio");
        return ((mono / loudest).MoveToOuterDisposeScope(), sound.SampleRate);
    }

    private static Tensor Times(Tensor samples) => FieldCoordinates.Audio(samples.shape[0], range: 1);

    private void Write(string name, Tensor samples, int rate) => Save($"{name.ToLowerInvariant().Replace('+', '-')}.wav",
        name == "truth" ? "the sound" : $"the sound as {name} has it", file => WaveFile.Save(file, samples, rate));

    private void Draw(IReadOnlyList<(string Name, Tensor Samples)> sounds, int rate)
    {
        using var scope = NewDisposeScope();
        // So little that single swings are seen, from the middle.
        var count = Math.Min(sounds[0].Samples.shape[0], rate / 40);
        var from = (sounds[0].Samples.shape[0] - count) / 2;
        double[] time = [.. Enumerable.Range(0, (int)count).Select(i => 1000.0 * (from + i) / rate)];
        double[] Part(Tensor samples) => samples.narrow(0, from, count).to(ScalarType.Float64).data<double>().ToArray();
        Save("waveforms.png", "25 milliseconds of the sound and of each network", file => LinePlot.SaveGrid(file,
        [
            .. sounds.Skip(1).Select(s => new LinePlot
            {
                Title = s.Name,
                XLabel = "milliseconds",
                YLabel = "amplitude",
                YRange = (-1, 1),
                Series = [new("truth", time, Part(sounds[0].Samples)), new(s.Name, time, Part(s.Samples)) { Dashed = true }],
            }),
        ], columns: 1, width: 720, height: 260));
        Save("spectrograms.png", "loudness in decibels by time and frequency", new FieldPicture
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"{Label}: decibels, 0 to {rate / 2000.0} kHz"),
            Rows = [.. sounds.Select(s => (FieldPanel[])[new(s.Name, Spectrogram(s.Samples)) { Scale = "loudness" }])],
            PanelSize = 560,
        }.Save);
    }

    // (frequencies, times), the lowest frequency below; 80 dB are as much as an eye tells.
    private static Tensor Spectrogram(Tensor samples)
    {
        using var scope = NewDisposeScope();
        var windows = samples.unfold(0, WindowSize, WindowSize / 4) * hann_window(WindowSize);
        var power = fft.rfft(windows).abs().square() / (WindowSize * WindowSize);
        return (10 * power.clamp_min(1e-9).log10()).t().flip(0).MoveToOuterDisposeScope();
    }

    private static Claim Judge(TrainedField[] fields)
    {
        const double threshold = 20, gap = 10;
        double snr = fields[0].Last(Quality), baseline = fields[1..].Max(f => f.Last(Quality));
        return new Claim(SirenAudioRecipe.Name, "sound SNR in dB", snr, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"SNR at least {threshold} dB ({snr:F1} dB)"), snr >= threshold),
            new(string.Create(CultureInfo.InvariantCulture, $"at least {gap} dB better than every other network ({snr - baseline:F1} dB)"),
                snr >= baseline + gap),
        ]);
    }
}
