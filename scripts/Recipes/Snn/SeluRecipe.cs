using System.Globalization;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Fully connected networks of 32 layers on small digits: with SELU, and with other activations and batch normalisation.</summary>
[Recipe(Name)]
public sealed class SeluRecipe : Recipe
{
    internal const string Name = "selu";

    private const string Selu = "SELU", Relu = "ReLU", Normalised = "ReLU+BatchNorm", Tanh = "tanh", Elu = "ELU";
    private const int Deepest = 64;

    private static readonly string[] Names = [Selu, Relu, Normalised, Tanh, Elu];
    private static readonly double[] Rates = [0.03, 0.01];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context);
        using var images = setting.Load(context);
        var (train, test) = Standardised(images);
        context.Output.Note("network", $"{setting.Depth} hidden layers of {setting.Width}");
        context.Output.Note("training images", train.Count);
        var contest = new Contest
        {
            Context = context,
            Train = train,
            Test = test,
            Epochs = setting.Epochs,
            BatchSize = setting.BatchSize,
            Seeds = setting.Seeds,
            Diverged = 0.1,
        };
        Best[] best = [.. Names.Select(name => Train(contest, setting, name, train.Inputs.shape[1]))];
        context.Output.Table($"{images.Title}, test accuracy, the better learning rate of {string.Join(" and ",
                Rates.Select(r => r.ToString(CultureInfo.InvariantCulture)))}",
            ["network", "learning rate", .. Enumerable.Range(0, setting.Seeds).Select(s => $"seed {s}"), "mean"],
            best.Select(b => (object[])[b.Name, b.Rate, .. b.Network.Values.Cast<object>(), b.Network.Mean]));
        DrawLearning(context, setting, best);
        DrawMoments(context);
        return Judge(best);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var images = Setting.Of(context.WithSizeOfTraining()).Load(context);
        using var network = Zoo.Load<Snn>(context.Checkpoint);
        network.to(context.Device);
        var test = Standardised(images).Test;
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Contest.Classification };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(test)[Contest.Accuracy]]]);
        return null;
    }

    // By feature: mean 0 and variance 1 on the training set, where a feature isn't constant.
    private static (PairDataset Train, PairDataset Test) Standardised(LabelledImages images)
    {
        var (train, test) = (images.Train.Inputs.flatten(1), images.Test.Inputs.flatten(1));
        var (mean, std) = (train.mean([0]), train.std(0, unbiased: false));
        std = where(std < 1e-6, ones_like(std), std);
        return (new PairDataset((train - mean) / std, images.Train.Targets), new PairDataset((test - mean) / std, images.Test.Targets));
    }

    private static Best Train(Contest contest, Setting setting, string name, long inputs) => Rates.Select(rate => new Best(name, rate,
        (contest with { Optimizer = p => new FusedSgd(p, rate) }).Run(FormattableString.Invariant($"{name}, learning rate {rate}"),
            () => Network(name, inputs, setting.Width, setting.Depth, classes: 10), isRunsOwn: name == Selu && rate == Rates[^1])))
        .MaxBy(b => b.Network.Mean)!;

    private static nn.Module<Tensor, Tensor> Network(string name, long inputs, long width, int depth, long classes)
    {
        if (name == Selu)
            return new Snn(new SnnConfig { InFeatures = inputs, HiddenFeatures = width, Depth = depth, OutFeatures = classes });
        var isRelu = name is Relu or Normalised;
        var layers = new List<nn.Module<Tensor, Tensor>>();
        for (var i = 0; i < depth; i++)
        {
            layers.Add(nn.Linear(i == 0 ? inputs : width, width));
            if (name == Normalised) layers.Add(nn.BatchNorm1d(width));
            layers.Add(isRelu ? nn.ReLU() : name == Tanh ? nn.Tanh() : nn.ELU());
        }
        layers.Add(nn.Linear(width, classes));
        var network = nn.Sequential(layers);
        SnnInit.Apply(network);
        using var off = no_grad();
        // He's: twice the variance before ReLU.
        if (isRelu)
            foreach (var layer in network.children().OfType<TorchSharp.Modules.Linear>().SkipLast(1)) layer.weight.mul_(Math.Sqrt(2));
        return network;
    }

    private static void DrawLearning(RecipeContext context, Setting setting, Best[] best) =>
        context.Save("learning.png", "training loss and test accuracy by epoch, mean of the seeds", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = $"{setting.Depth} layers of {setting.Width}: training loss",
                XLabel = "epoch",
                YLabel = "cross-entropy",
                LogY = true,
                Series = [.. best.Select(b => b.Network.Curve(h => h.Training["loss"]))],
            },
            new LinePlot
            {
                Title = "Test accuracy",
                XLabel = "epoch",
                YLabel = "accuracy",
                Series = [.. best.Select(b => b.Network.Curve(h => h.Validation[Contest.Accuracy]))],
            },
        ], columns: 2));

    // What fresh layers do to activations and to gradients, by depth; and what the closed form says.
    private static void DrawMoments(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var width = context.Pick(64, 256, 512);
        double[] depth = [.. Enumerable.Range(1, Deepest).Select(i => (double)i)];
        List<Series> variances = [], norms = [];
        foreach (var name in new[] { Selu, Relu, Tanh, Elu })
        {
            using var inner = NewDisposeScope();
            Seed.Set(context.Seed);
            var gain = name == Relu ? Math.Sqrt(2) : 1;
            var h = (randn(500, width) * 1.2 + 0.1).requires_grad_();
            var all = new List<Tensor>();
            foreach (var _ in depth)
            {
                var z = h.matmul(SnnInit.LecunNormal(empty(width, width)).mT * gain);
                all.Add(h = name switch
                {
                    Selu => nn.functional.selu(z),
                    Relu => z.relu(),
                    Tanh => z.tanh(),
                    _ => nn.functional.elu(z, 1.0),
                });
            }
            var gradients = autograd.grad([(h * randn_like(h)).sum()], all);
            variances.Add(new(name, depth, [.. all.Select(a => (double)a.var().item<float>())]));
            norms.Add(new(name, depth, [.. gradients.Select(g => (double)g.norm().item<float>() / Math.Sqrt(g.numel()))]));
        }
        variances.Add(new("SELU, closed form", depth,
            [.. SeluMoments.Iterate(0.1, 1.44, Deepest).Select(m => m.Variance)])
        { Dashed = true });
        context.Save("depth.png", "variance of activations and size of gradients by depth, fresh weights", path => LinePlot.SaveGrid(path,
        [
            new LinePlot { Title = "Variance of activations", XLabel = "layer", YLabel = "variance", LogY = true, Series = variances },
            new LinePlot
            {
                Title = $"Gradient of a loss behind layer {Deepest}",
                XLabel = "layer",
                YLabel = "root mean square",
                LogY = true,
                Series = norms,
            },
        ], columns: 2));
    }

    private static Claim Judge(Best[] best)
    {
        const double threshold = 0.93, gap = 0.12;
        double Of(string name) => best.Single(b => b.Name == name).Network.Mean;
        double selu = Of(Selu), relu = Of(Relu), normalised = Of(Normalised);
        Condition Better(string name, double other) => new(string.Create(CultureInfo.InvariantCulture,
            $"at least {gap} better than {name} ({other:F3})"), selu >= other + gap);
        return new Claim(Name, "test accuracy at 32 layers, mean of the seeds", selu, threshold, Math.Max(relu, normalised),
        [
            new(string.Create(CultureInfo.InvariantCulture, $"SELU at least {threshold} ({selu:F3})"), selu >= threshold),
            Better(Relu, relu),
            Better(Normalised, normalised),
        ]);
    }

    private sealed record Best(string Name, double Rate, Contender Network);

    private sealed record Setting(int Depth, long Width, int Epochs, int Seeds, int BatchSize, Func<RecipeContext, LabelledImages> Load)
    {
        // With --full Fashion-MNIST, wider.
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new(32, 512, context.Epochs ?? 50, 3, 128, c => RecipeImages.FashionMnist(c, new ImageOptions()))
            : new(context.Pick(4, 32, 0), context.Pick(16, 64, 0), context.Epochs ?? context.Pick(1, 20, 0), context.Pick(1, 3, 0), 50,
                Digits.LoadFor);
    }
}
