using System.CommandLine;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Pictures enlarged by small networks of Padé neurons and of ordinary ones; or, with <c>--peaks</c>, a function of two
/// numbers.</summary>
[Recipe(Name)]
public sealed class PadeNetRecipe : Recipe
{
    internal const string Name = "paon";

    private const string Decibels = "psnr";
    private const long Border = 4, Crop = 48;

    private static TrainingStep Training { get; } = Steps.Supervised((p, t) => (p - t).abs().mean(), (Decibels, Psnr));

    private readonly Option<bool> _peaks = new("--peaks")
    {
        Description = "A peak and a pit in the plane, learned by one hidden layer, in place of pictures",
    };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_peaks];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--peaks"]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_peaks) ? "peaks" : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        if (!context.Get(_peaks)) return Enlarge(context);
        context.RefuseData($"{Name} --peaks");
        return PeaksExperiment.Run(context, Name);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<PadeNet>(context.Checkpoint);
        network.to(context.Device);
        var test = Test(Pictures.Load(context.WithSizeAndSeedOfTraining()), network.Config.Scale);
        var trainer = new Trainer(network, context.TrainerOptions(null) with { BatchSize = 1 }) { Step = Training };
        context.Output.Table("PSNR in dB", ["model", "test pictures"],
            [["bicubic", Bicubic(test, network.Config.Scale)], [context.Checkpoint.ModelName!, trainer.Evaluate(test)[Decibels]]]);
        return null;
    }

    private static Claim Enlarge(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var full = context.Size == RunSize.Full;
        var config = full ? new PadeNetConfig { Scale = 4, Channels = 64, Blocks = 16 } : new PadeNetConfig { Blocks = 1 };
        var pictures = Pictures.Load(context);
        var test = Test(pictures, config.Scale);
        context.Output.Note("pictures", $"{pictures.Title}: {pictures.Train.shape[0]} to train on, {pictures.Test.shape[0]} to test with");
        var batch = full ? 16 : 8;
        using var generator = new Generator(context.Seed);
        var contest = new Contest
        {
            Context = context,
            Train = new PicturePatches(pictures.Train, batch * context.Pick(2, 600, 10_000), side: 24, config.Scale, generator),
            Test = test,
            Epochs = context.Epochs ?? context.Pick(1, 1, 30),
            BatchSize = batch,
            EvaluationBatchSize = 1,
            Seeds = context.Pick(1, 2, 1),
            Metric = Decibels,
            ClipNorm = 1,
            Step = Training,
            Optimizer = p => new FusedAdam(p, full ? 2e-4 : 3e-3),
            Schedule = Schedules.Cosine(),
        };
        var once = contest with { Seeds = 1 };
        List<ImagePanel> panels = [Panel("truth", test.Targets[^1], Crop), Panel("given", test.Inputs[^1], Crop / config.Scale),
            Panel("bicubic", PadeNet.Enlarge(test.Inputs[^1..], config.Scale)[0], Crop)];
        var relu = Ordinary(contest, "relu", full ? 90 : 22, "ReLU");
        var pade = Pade(contest, "Paon-S [1/1]", config, isRunsOwn: true);
        Contender[] others = full ? [] :
        [
            Ordinary(contest, "relu", 22, isScaled: false), Ordinary(once, "relu", 16), Ordinary(contest, "tanh", 22),
            Pade(once, "Paon-A [1/1]", config with { Variant = PadeVariant.Absolute }),
            Pade(once, "Paon-S [2/1]", config with { NumeratorOrder = 2 }),
            Pade(once, "quadratic [2/0]", config with { Variant = PadeVariant.Plain, NumeratorOrder = 2, DenominatorOrder = 0 }),
        ];
        var bicubic = Bicubic(test, config.Scale);
        context.Output.Table("Mean PSNR of the test pictures in dB", ["network", "parameters", "by seed", "mean"],
            [["bicubic", 0, "", bicubic], .. new[] { relu, pade }.Concat(others).Select(c => (object[])[c.Name, c.Parameters,
                string.Join(' ', c.Values.Select(v => FormattableString.Invariant($"{v:F3}"))), c.Mean])]);
        context.Save("enlarged.png", "a part of the last test picture, networks of seed 0", path => new ImagePicture
        {
            Title = $"Enlarged {config.Scale} times",
            Rows = [panels],
            PanelSize = 192,
        }.Save(path));
        return Judge(pade.Mean, bicubic, relu.Mean);

        Contender Ordinary(Contest of, string activation, long channels, string? panel = null, bool isScaled = true) => of.Run(
            $"{activation}, {channels} channels{(isScaled ? "" : ", torch's initial values")}",
            () => new ConvolutionalUpscaler(activation, channels, config.Blocks, config.Scale, isScaled),
            after: (n, seed) => Draw(panel, n, seed));

        Contender Pade(Contest of, string name, PadeNetConfig config, bool isRunsOwn = false) => of.Run(name, () => new PadeNet(config),
            after: (n, seed) => Draw(isRunsOwn ? "Paon-S" : null, n, seed), isRunsOwn: isRunsOwn);

        void Draw(string? title, nn.Module<Tensor, Tensor> network, int seed)
        {
            if (title is null || seed != 0) return;
            using var off = no_grad();
            panels.Add(Panel(title, network.call(test.Inputs[^1..].to(context.Device)).cpu()[0], Crop));
        }
    }

    private static Claim Judge(double pade, double bicubic, double relu)
    {
        const double overBicubic = 0.25, overRelu = 0.08;
        static string Text(FormattableString text) => FormattableString.Invariant(text);
        return new Claim(Name, "PSNR of Paon-S in dB", pade, Math.Max(bicubic + overBicubic, relu + overRelu), relu,
        [
            new(Text($"at least {overBicubic} dB more than bicubic ({pade - bicubic:F3})"), pade >= bicubic + overBicubic),
            new(Text($"at least {overRelu} dB more than ReLU with as many parameters ({pade - relu:F3})"), pade >= relu + overRelu),
        ]);
    }

    private static PairDataset Test(Pictures pictures, int scale) => new(PicturePatches.Reduced(pictures.Test, scale), pictures.Test);

    private static double Bicubic(PairDataset test, int scale) =>
        Psnr(PadeNet.Enlarge(test.Inputs, scale), test.Targets).item<float>();

    // By picture, without its border, where a network knows less.
    private static Tensor Psnr(Tensor prediction, Tensor target) =>
        (-10 * (Inner(prediction) - Inner(target)).square().mean([1, 2, 3]).log10()).mean();

    private static Tensor Inner(Tensor image) => image.narrow(2, Border, image.shape[2] - 2 * Border)
        .narrow(3, Border, image.shape[3] - 2 * Border);

    // The middle of it.
    private static ImagePanel Panel(string title, Tensor image, long side) => new(title,
        image.narrow(1, (image.shape[1] - side) / 2, side).narrow(2, (image.shape[2] - side) / 2, side));

    /// <summary>Grey pictures of one size, (n, 1, side, side) in [0, 1].</summary>
    private sealed record Pictures(string Title, Tensor Train, Tensor Test)
    {
        private const long Side = 256;

        /// <summary>The PNG files given with <c>--data</c>: those in the folders train and test below it, or its own, a tenth of them to
        /// test with. Otherwise the photograph that comes with the recipes, in four parts.</summary>
        public static Pictures Load(RecipeContext context)
        {
            if (context.Data is not { } folder) return Shipped();
            string train = Path.Combine(folder, "train"), test = Path.Combine(folder, "test");
            if (Directory.Exists(train) && Directory.Exists(test)) return new(Path.GetFileName(folder), All(train), All(test));
            var images = Files(folder);
            return new(images.Title, images.Train.Inputs, images.Test.Inputs);

            Data.Images.LabelledImages Files(string path) => RecipeImages.PngFolder(context with { Data = path }, Side)
                ?? throw new ArgumentException($"{path}: expected a folder with PNG files", "--data");

            Tensor All(string path)
            {
                var images = Files(path);
                return cat([images.Train.Inputs, images.Test.Inputs]);
            }
        }

        // Two quarters to train on, the other two to test with.
        private static Pictures Shipped()
        {
            using var scope = NewDisposeScope();
            using var file = typeof(PadeNetRecipe).Assembly.GetManifestResourceStream("data/camera.png")!;
            var photograph = ImageFile.Load(file, ImageChannels.Grey, "data/camera.png");
            var parts = photograph.reshape(2, Side, 2, Side).permute(0, 2, 1, 3).reshape(4, 1, Side, Side);
            return new("quarters of a photograph", cat([parts[..1], parts[3..]]).MoveToOuterDisposeScope(),
                parts[1..3].clone().MoveToOuterDisposeScope());
        }
    }
}
