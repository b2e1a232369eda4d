using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A fast oscillation and a function of five variables, fitted with trainable matrix activations, ReLU and parametric ReLU; with
/// <c>--full</c> pictures of clothes, too.</summary>
[Recipe(Name)]
public sealed class TrainableMatrixActivationRecipe : Recipe
{
    internal const string Name = "trainable-matrix-activation";

    private const string Error = "relative error";
    private const string Relu = "ReLU", Prelu = "PReLU", Diagonal = "diagonal", Tridiagonal = "tridiagonal";
    private const int BatchSize = 256;
    private const double Rate = 5e-3;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        if (context.Size != RunSize.Full) context.RefuseData(Name);
        using var scope = NewDisposeScope();
        var wave = new Target(context, Oscillation(context), 1, (0, 1), context.Pick(256, 2000, 2000), context.Pick(256, 2000, 2000));
        var sine = new Target(context, SineOfSum, 5, (-1, 1), context.Pick(256, 5000, 5000), context.Pick(256, 2000, 2000));
        var looks = new List<(string Name, Tensor Fit, Tensor Curves)>();
        Contender[] first = Compete(context, "oscillation in one variable", wave, context.Pick(1, 2, 3),
            [Relu, Prelu, Diagonal, Tridiagonal], isRunsOwn: true,
            (name, network) => looks.Add((name, wave.Fit(network), Curves(network))));
        Contender[] second = Compete(context, "sine of a sum of five variables", sine, 2, [Relu, Prelu, Diagonal]);
        Draw(context, wave, looks, first);
        if (context.Size == RunSize.Full)
            ClothesContest.Run(context, "activation", (Relu, () => PictureNetwork(() => nn.ReLU())),
                (Diagonal, () => PictureNetwork(() => new DiagonalMatrixActivation(64, featureDim: 1))));
        return Judge(first, second);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var setting = context.WithSizeAndSeedOfTraining();
        using var network = Zoo.Load<MatrixActivationMlp>(context.Checkpoint);
        network.to(context.Device);
        var wave = new Target(setting, Oscillation(setting), 1, (0, 1), 2000, 2000);
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = wave.Step };
        context.Output.Table("Oscillation in one variable", ["model", Error],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(wave.Test)[Error]]]);
        return null;
    }

    // Five times as fast at full size.
    private static Func<Tensor, Tensor> Oscillation(RecipeContext context)
    {
        var speed = context.Pick(1, 1, 5) * Math.PI;
        return x => (x * (20 * speed)).sin() + (x * (10 * speed)).cos() + (x * Math.PI).sin();
    }

    private static Tensor SineOfSum(Tensor x) => (x.sum(1, keepdim: true) * Math.PI).sin();

    private static Contender[] Compete(RecipeContext context, string title, Target target, int depth, string[] names,
        bool isRunsOwn = false, Action<string, nn.Module<Tensor, Tensor>>? look = null)
    {
        var perEpoch = (int)Math.Ceiling(target.Train.Count / (double)BatchSize);
        var contest = new Contest
        {
            Context = context,
            Train = target.Train,
            Test = target.Test,
            Epochs = context.Epochs ?? context.Pick(1, (int)Math.Ceiling(1500.0 / perEpoch), (int)Math.Ceiling(6000.0 / perEpoch)),
            BatchSize = BatchSize,
            EvaluateEvery = 10,
            Seeds = context.Pick(1, 2, 3),
            Metric = Error,
            MoreIsBetter = false,
            Step = target.Step,
            Optimizer = p => new FusedAdam(p, Rate),
            Schedule = Schedules.Cosine(),
        };
        Contender[] contenders = [.. names.Select(name => contest.Run(name, () => Network(name, target.Inputs, depth),
            after: (network, seed) =>
            {
                if (seed == 0) look?.Invoke(name, network);
            }, isRunsOwn: isRunsOwn && name == Diagonal))];
        contest.Show($"{title}: mean squared error over variance", contenders);
        return contenders;
    }

    private static nn.Module<Tensor, Tensor> Network(string name, long inputs, int depth)
    {
        const long width = 64;
        if (name is Diagonal or Tridiagonal)
            return new MatrixActivationMlp(new MatrixActivationMlpConfig
            {
                InFeatures = inputs,
                HiddenFeatures = width,
                Depth = depth,
                OutFeatures = 1,
                Bandwidth = name == Tridiagonal ? 1 : 0,
            });
        var layers = new List<nn.Module<Tensor, Tensor>>();
        for (var i = 0; i < depth; i++)
        {
            layers.Add(nn.Linear(i == 0 ? inputs : width, width));
            layers.Add(name == Relu ? nn.ReLU() : nn.PReLU(width));
        }
        layers.Add(nn.Linear(width, 1));
        return nn.Sequential(layers);
    }

    // What the first neurons of the first layer do to their own pre-activation: (neurons, points).
    private static Tensor Curves(nn.Module<Tensor, Tensor> network)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (network is not MatrixActivationMlp mlp) return zeros(0).MoveToOuterDisposeScope();
        var unit = mlp.Activations[0];
        return stack([.. Enumerable.Range(0, 6).Select(i => unit.CurveAt(i, CurvePoints.to(unit.Breaks.device)).cpu())])
            .DetachFromDisposeScope();
    }

    private static Tensor CurvePoints => linspace(-1.5, 1.5, 601, ScalarType.Float32);

    private static void Draw(RecipeContext context, Target wave, List<(string Name, Tensor Fit, Tensor Curves)> looks, Contender[] first)
    {
        using var scope = NewDisposeScope();
        var (x, truth) = wave.Grid;
        double[] Numbers(Tensor t) => t.to(ScalarType.Float64).contiguous().data<double>().ToArray();
        LinePlot Fits(params string[] names) => new()
        {
            Title = $"{string.Join(" and ", names)}, seed 0",
            XLabel = "x",
            YLabel = "f(x)",
            Series =
            [
                .. looks.Where(l => names.Contains(l.Name)).Select(l => new Series(l.Name, Numbers(x), Numbers(l.Fit))),
                new("the function", Numbers(x), Numbers(truth)) { Dashed = true },
            ],
        };
        context.Save("fit.png", "what the networks make of the oscillation", path => LinePlot.SaveGrid(path,
        [
            Fits(Relu), Fits(Prelu), Fits(Diagonal), Fits(Tridiagonal),
        ], columns: 2));
        var s = Numbers(CurvePoints);
        context.Save("activations.png", "learning, and the activations learned", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = "Training loss, mean of the seeds",
                XLabel = "epoch",
                YLabel = "mean squared error",
                LogY = true,
                Series = [.. first.Select(c => c.Curve(h => h.Training["loss"]))],
            },
            new LinePlot
            {
                Title = "The first six neurons' activations (diagonal)",
                XLabel = "pre-activation",
                YLabel = "activation",
                Series = [.. looks.Single(l => l.Name == Diagonal).Curves.unbind(0).Select((c, i) => new Series($"{i}", s, Numbers(c)))],
            },
        ], columns: 2));
        foreach (var look in looks)
        {
            look.Fit.Dispose();
            look.Curves.Dispose();
        }
    }

    private static nn.Module<Tensor, Tensor> PictureNetwork(Func<nn.Module<Tensor, Tensor>> activation)
    {
        nn.Module<Tensor, Tensor>[] Block(long from) =>
            [nn.Conv2d(from, 64, 3, padding: 1), nn.BatchNorm2d(64), activation(), nn.MaxPool2d(2)];
        return nn.Sequential([.. Block(1), .. Block(64), nn.Flatten(), nn.Linear(64 * 7 * 7, 10)]);
    }

    private static Claim Judge(Contender[] first, Contender[] second)
    {
        const double ofPrelu = 0.5, ofRelu = 0.35, ofReluOfSum = 0.8;
        static double Of(Contender[] all, string name) => all.Single(c => c.Name == name).Mean;
        double mine = Of(first, Diagonal), relu = Of(first, Relu), prelu = Of(first, Prelu);
        double mineOfSum = Of(second, Diagonal), reluOfSum = Of(second, Relu);
        return new Claim(Name, "relative error of the oscillation, mean of the seeds", mine, Math.Min(ofPrelu * prelu, ofRelu * relu), relu,
        [
            new(Invariant($"at most {ofPrelu} of PReLU's ({mine:G3} of {prelu:G3})"), mine <= ofPrelu * prelu),
            new(Invariant($"at most {ofRelu} of ReLU's ({mine:G3} of {relu:G3})"), mine <= ofRelu * relu),
            new(Invariant($"sine of a sum: at most {ofReluOfSum} of ReLU's ({mineOfSum:G3} of {reluOfSum:G3})"),
                mineOfSum <= ofReluOfSum * reluOfSum),
        ]);
    }

    /// <summary>A function, and random points on it to learn from and to test with.</summary>
    private sealed class Target
    {
        private readonly Func<Tensor, Tensor> _function;

        public Target(RecipeContext context, Func<Tensor, Tensor> function, long inputs, (double Low, double High) range,
            long train, long test)
        {
            (_function, Inputs) = (function, inputs);
            using var generator = new Generator(Seed.Derive(context.Seed, (ulong)inputs));
            (Train, Test) = (Points(train), Points(test));
            var variance = Test.Targets.var(unbiased: false).item<float>();
            Step = Steps.Supervised((p, t) => (p - t).square().mean(), (Error, (p, t) => (p - t).square().mean() / variance));

            PairDataset Points(long count)
            {
                var x = empty(count, inputs).uniform_(range.Low, range.High, generator);
                return new PairDataset(x, function(x));
            }
        }

        public long Inputs { get; }

        public PairDataset Train { get; }

        public PairDataset Test { get; }

        public TrainingStep Step { get; }

        /// <summary>Even points of one variable, and the function there.</summary>
        public (Tensor X, Tensor Y) Grid
        {
            get
            {
                var x = linspace(0, 1, 801, ScalarType.Float32);
                return (x, _function(x));
            }
        }

        /// <summary>What a network gives there.</summary>
        public Tensor Fit(nn.Module<Tensor, Tensor> network)
        {
            using var off = no_grad();
            using var scope = NewDisposeScope();
            var device = network.parameters().First().device;
            return network.call(Grid.X.unsqueeze(1).to(device)).squeeze(1).cpu().DetachFromDisposeScope();
        }
    }
}
