using System.Globalization;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Models.Fields;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A sum of sinusoids on the circle, learned by networks with multiplicative skip connections and by plain ones: which frequency
/// is learned when. With <c>--full</c> a photograph.</summary>
[Recipe(Name)]
public sealed class PiNetRecipe : Recipe
{
    internal const string Name = "polynomial-networks";

    private const string Decibels = "psnr";
    private const double Share = 0.2;
    private const int Points = 200, Harmonics = 12, ProbeEvery = 10;

    private static readonly int[] Frequencies = [2, 5, 8, 12, 16, 20];

    private static TrainingStep Regression { get; } = Steps.Supervised((p, t) => (p - t).square().mean());

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        return context.Size == RunSize.Full ? Photograph(context) : Sinusoids(context);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var training = context.WithSizeAndSeedOfTraining();
        using var network = Zoo.Load(context.Checkpoint);
        network.to(context.Device);
        var data = training.Size == RunSize.Full ? Pixels(Image(training)) : Waves(training.Seed);
        var trainer = new Trainer(network, context.TrainerOptions(null) with { BatchSize = 4096 }) { Step = Regression };
        context.Output.Table(null, ["model", "mean squared error"], [[context.Checkpoint.ModelName!, trainer.Evaluate(data)["loss"]]]);
        return null;
    }

    private static Claim Sinusoids(RecipeContext context)
    {
        context.RefuseData(Name);
        var (steps, seeds) = (context.Epochs ?? context.Pick(20, 1500, 0), context.Pick(1, 3, 0));
        var config = new MultiplicativeMlpConfig { InFeatures = 2, OutFeatures = 1 };
        Learner[] all =
        [
            Train("MLP, 128 wide", () => ReluPerceptron.Create(2, 128, 3, 1)),
            Train("MLP, 131 wide", () => ReluPerceptron.Create(2, 131, 3, 1)),
            Train("multiplicative", () => new MultiplicativeMlp(config), isRunsOwn: true),
            Train("multiplicative, residual", () => new MultiplicativeMlp(config with { Skip = MultiplicativeSkip.Residual })),
        ];
        context.Output.Table($"Steps until less than {Share.ToString(CultureInfo.InvariantCulture)} of a frequency is left, by seed",
            ["network", "parameters", .. Frequencies.Select(k => $"k = {k}")],
            all.Select(l => (object[])[l.Name, l.Parameters, .. Frequencies.Select((_, i) => string.Join(' ', l.Probes.Select(p =>
                p.FirstStepBelow(Share, andStays: false)[i]?.ToString(CultureInfo.InvariantCulture) ?? "–")))]));
        DrawLearning(context, all);
        DrawSpectra(context);
        return Judge(all, steps);

        Learner Train<TNetwork>(string name, Func<TNetwork> network, bool isRunsOwn = false) where TNetwork : nn.Module<Tensor, Tensor>
        {
            var probes = new List<SpectralBiasProbe>();
            var parameters = 0L;
            for (var i = 0; i < seeds; i++)
            {
                // A seed has phases of its own.
                var data = Waves(context.Seed + (ulong)i);
                var probe = new SpectralBiasProbe(data.Targets, Frequencies);
                probes.Add(probe);
                parameters = new Contest
                {
                    Context = context with { Seed = context.Seed + (ulong)i },
                    Train = data,
                    Test = data,
                    Epochs = steps,
                    BatchSize = Points,
                    Shuffle = false,
                    EvaluateEvery = steps,
                    Seeds = 1,
                    Metric = "loss",
                    MoreIsBetter = false,
                    Step = Regression,
                    Optimizer = p => new FusedAdam(p, 1e-3),
                }.Run(seeds == 1 ? name : $"{name}, seed {i}", network,
                    callbacks: (n, _) => [new Watch(probe, () => n.call(data.Inputs.to(context.Device)))], isRunsOwn: isRunsOwn && i == 0)
                    .Parameters;
            }
            return new(name, parameters, probes);
        }
    }

    // Points of the circle, and the sum of sinusoids of random phases.
    private static PairDataset Waves(ulong seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var angle = arange(Points, ScalarType.Float64).unsqueeze(1) * (2 * Math.PI / Points);
        var phase = rand([Frequencies.Length], ScalarType.Float64, generator: generator) * (2 * Math.PI);
        var target = (angle * tensor(Frequencies).to(ScalarType.Float64) + phase).sin().sum(1, keepdim: true);
        return new PairDataset(cat([angle.cos(), angle.sin()], 1).to(ScalarType.Float32).MoveToOuterDisposeScope(),
            target.to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private static Claim Judge(Learner[] all, int steps)
    {
        const double threshold = 0.6, residualThreshold = 0.85, ahead = 20;
        double At(int learner, int k) => all[learner].Probes.Average(p =>
            p.FirstStepBelow(Share, andStays: false)[Array.IndexOf(Frequencies, k)] ?? steps);
        var plain = At(1, 20);
        var (none, residual) = (At(2, 20) / plain, At(3, 20) / plain);
        var lead = Math.Max(At(0, 2), At(1, 2)) - Enumerable.Range(0, all.Length).Min(l => At(l, 2));
        static string Text(FormattableString text) => FormattableString.Invariant(text);
        return new Claim(Name, "steps until k = 20 is learned, as a share of the larger MLP's", none, threshold, 1,
        [
            new(Text($"multiplicative: at most {threshold} ({none:F2})"), none <= threshold),
            new(Text($"multiplicative, residual: at most {residualThreshold} ({residual:F2})"), residual <= residualThreshold),
            new(Text($"at k = 2 no network is more than {ahead} steps ahead ({lead:F0})"), lead <= ahead),
        ]);
    }

    private static void DrawLearning(RecipeContext context, Learner[] all) => context.Save("learning.png",
        "what is left of each frequency by step, seed 0", path => LinePlot.SaveGrid(path, [.. all.Select(l => new LinePlot
        {
            Title = l.Name,
            XLabel = "step",
            YLabel = "share that is left",
            YRange = (0, 1.3),
            Series = [.. Frequencies.Select(k => new Series($"k = {k}", [.. l.Probes[0].Steps.Select(s => (double)s)],
                [.. l.Probes[0].Shares(k)]))],
        })], columns: 2));

    // Of each kernel every second coefficient is 0: they aren't drawn.
    private static void DrawSpectra(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var (relu, multiplicative) = (Spectrum(SphericalNtk.Relu), Spectrum(SphericalNtk.Multiplicative));
        context.Output.Table("Fourier coefficients of the kernels on the circle", ["k", "ReLU", "multiplicative"],
            Enumerable.Range(0, Harmonics + 1).Select(k => (object[])[k, relu[k], multiplicative[k]]));
        context.Save("kernels.png", "the tangent kernels' Fourier coefficients on the circle", path => new LinePlot
        {
            Title = "How fast an infinitely wide network learns a frequency",
            XLabel = "k",
            YLabel = "coefficient",
            LogY = true,
            Series = [Of("ReLU", relu), Of("with a multiplicative skip connection", multiplicative)],
        }.Save(path));

        static double[] Spectrum(Func<Tensor, Tensor> kernel) =>
            [.. SphericalNtk.CircleSpectrum(kernel, 400)[..(Harmonics + 1)].data<double>().Select(e => Math.Round(e, 6) + 0.0)];

        static Series Of(string name, double[] values)
        {
            int[] there = [.. Enumerable.Range(0, values.Length).Where(k => values[k] > 1e-4)];
            return new(name, [.. there.Select(k => (double)k)], [.. there.Select(k => values[k])]) { Markers = true };
        }
    }

    private static Tensor Image(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        using var photograph = context.Data is null ? typeof(PiNetRecipe).Assembly.GetManifestResourceStream("data/camera.png") : null;
        var image = photograph is null ? ImageFile.Load(context.Data!, ImageChannels.Grey)
            : ImageFile.Load(photograph, ImageChannels.Grey, "data/camera.png");
        return ImageFile.Resize(ImageFile.CenterSquare(image), 256, 256).squeeze(0).MoveToOuterDisposeScope();
    }

    private static PairDataset Pixels(Tensor image) => new(FieldCoordinates.Grid(image.shape), image.reshape(-1, 1));

    private static Claim Photograph(RecipeContext context)
    {
        var image = Image(context);
        var data = Pixels(image);
        var contest = new Contest
        {
            Context = context,
            Train = data,
            Test = data,
            Epochs = context.Epochs ?? 100,
            BatchSize = 4096,
            EvaluationBatchSize = 65536,
            EvaluateEvery = 10,
            Seeds = 3,
            Metric = Decibels,
            Step = Steps.Supervised((p, t) => (p - t).square().mean(), (Decibels, (p, t) => -10 * (p - t).square().mean().log10())),
            Optimizer = p => new FusedAdam(p, 1e-3),
            Schedule = Schedules.Cosine(),
        };
        var config = new MultiplicativeMlpConfig { InFeatures = 2, HiddenFeatures = 256, Depth = 4, OutFeatures = 1 };
        var panels = new List<ImagePanel> { new("truth", image) };
        Contender[] all =
        [
            Train("MLP", () => ReluPerceptron.Create(2, 258, 4, 1)),
            Train("multiplicative", () => new MultiplicativeMlp(config), isRunsOwn: true),
            Train("multiplicative, residual", () => new MultiplicativeMlp(config with { Skip = MultiplicativeSkip.Residual })),
        ];
        contest.Show("A photograph of 256 × 256 pixels, PSNR in dB", all);
        context.Save("image.png", "the photograph and what the networks made of it", path =>
            new ImagePicture { Rows = [panels] }.Save(path));
        return new Claim(Name, "PSNR of the photograph, dB", all[1].Mean, all[0].Mean, all[0].Mean, all[1].Mean > all[0].Mean);

        Contender Train<TNetwork>(string name, Func<TNetwork> network, bool isRunsOwn = false) where TNetwork : nn.Module<Tensor, Tensor> =>
            contest.Run(name, network, after: (n, seed) =>
            {
                using var off = no_grad();
                if (seed == 0) panels.Add(new(name, n.call(data.Inputs.to(context.Device)).reshape(image.shape)));
            }, isRunsOwn: isRunsOwn);
    }

    private sealed record Learner(string Name, long Parameters, IReadOnlyList<SpectralBiasProbe> Probes);

    private sealed class Watch(SpectralBiasProbe probe, Func<Tensor> prediction) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report)
        {
            var done = report.Step + 1;
            if (done % ProbeEvery != 0) return;
            using var scope = NewDisposeScope();
            using var off = no_grad();
            probe.Record(done, prediction());
        }
    }
}
