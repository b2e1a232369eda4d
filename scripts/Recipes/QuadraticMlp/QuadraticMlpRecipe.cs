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

/// <summary>Quadratic networks on small digits, deep and not so deep: with ReLinear, with plain training, and ordinary ones. With
/// <c>--full</c> residual networks on Fashion-MNIST.</summary>
[Recipe(Name)]
public sealed class QuadraticMlpRecipe : Recipe
{
    internal const string Name = "quadratic-networks";

    private const double Guess = 0.1, Rate = 0.01, Gamma = 0.01;
    private const int Inputs = 64, Classes = 10;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        return context.Size == RunSize.Full ? ResNets(context) : Perceptrons(context);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var training = context.WithSizeOfTraining();
        using var images = training.Size == RunSize.Full ? Fashion(training) : Small(training);
        using var network = Zoo.Load(context.Checkpoint);
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Contest.Classification };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(images.Test)[Contest.Accuracy]]]);
        return null;
    }

    private static Claim Perceptrons(RecipeContext context)
    {
        using var images = Small(context);
        var contest = new Contest
        {
            Context = context,
            Train = images.Train,
            Test = images.Test,
            Epochs = context.Epochs ?? context.Pick(1, 12, 0),
            BatchSize = 50,
            Seeds = context.Pick(1, 3, 0),
            Diverged = Guess,
            Optimizer = p => new FusedSgd(p, Rate, momentum: 0.9),
        };
        context.Output.Note("training images", images.Train.Count);
        Competition[] all = [.. context.Pick<int[]>([2], [3, 10], []).Select(depth => Competition.Hold(contest, depth))];
        foreach (var competition in all)
            contest.Show($"Test accuracy, {competition.Depth} hidden layers", competition.Contenders);
        var deepest = all[^1];
        context.Save("learning.png", $"test accuracy by epoch, {deepest.Depth} layers, mean of the seeds that didn't diverge", path =>
            new LinePlot
            {
                Title = $"Test accuracy, {deepest.Depth} hidden layers",
                XLabel = "epoch",
                YLabel = "accuracy",
                Series = [.. deepest.Contenders.Where(c => c.Results.Any(r => r is not null))
                    .Select(c => c.Curve(h => h.Validation[Contest.Accuracy]))],
            }.Save(path));
        DrawNeurons(context);
        return deepest.Judge();
    }

    // Pixels of mean 0 and variance 1, all together: a pixel that is always dark would be blown up by a scale of its own.
    private static LabelledImages Small(RecipeContext context)
    {
        if (context.Data is not null)
            throw new ArgumentException("The digits come with the program; --data is for Fashion-MNIST, with --full.", "--data");
        using var scope = NewDisposeScope();
        var pixels = Digits.Load().Train.Inputs;
        var (mean, std) = (pixels.mean().item<float>(), pixels.std(unbiased: false).item<float>());
        var images = Digits.Load(new ImageOptions { Flatten = true, Mean = mean, Std = std });
        scope.MoveToOuter(images.Train.Inputs, images.Train.Targets, images.Test.Inputs, images.Test.Targets);
        return images;
    }

    private static LabelledImages Fashion(RecipeContext context) =>
        RecipeImages.FashionMnist(context, new ImageOptions { Mean = 0.286, Std = 0.353 });

    // The authors' schedule for CIFAR-10. γ = 0 is an ordinary network in the same code.
    private static Claim ResNets(RecipeContext context)
    {
        using var images = Fashion(context);
        var contest = new Contest
        {
            Context = context,
            Train = images.Train.Select(batch => Moved((Pairs)batch)),
            Test = images.Test,
            Epochs = context.Epochs ?? 200,
            BatchSize = 128,
            Seeds = 1,
            Diverged = Guess,
            Optimizer = p => new FusedSgd(p, 0.1, momentum: 0.9, weightDecay: 1e-4),
            Schedule = Schedules.Factor(c => c.Step < c.TotalSteps / 2 ? 1 : c.Step < c.TotalSteps * 3 / 4 ? 0.1 : 0.01),
        };
        var config = new QuadraticResNetConfig { Depth = 20, InChannels = 1, NumClasses = Classes };
        Contender Of(string name, double gamma, bool reZero = false) => contest.Run(name,
            () => new QuadraticResNet(config with { ReZero = reZero }), _ => new ReLinearTraining(Contest.Classification, gamma, gamma),
            isRunsOwn: gamma == 1e-4);
        Contender[] all = [Of("ordinary", 0), Of("ReLinear", 1e-4), Of("ReLinear, ReZero", 1e-2, reZero: true)];
        contest.Show($"Fashion-MNIST, ResNet-{config.Depth}, test accuracy", all);
        return new Claim(Name, "test accuracy of ReLinear", all[1].Mean, all[0].Mean, all[0].Mean,
            [new("ReLinear at least as good as an ordinary network", all[1].Mean >= all[0].Mean)]);
    }

    // Shifted by up to 4 pixels, and in half of the cases seen in a mirror.
    private static Pairs Moved(Pairs batch)
    {
        var (n, side) = (batch.Input.shape[0], batch.Input.shape[^1]);
        var padded = nn.functional.pad(batch.Input.squeeze(1), [4, 4, 4, 4]);
        var (rows, columns) = (Offset(), Offset());
        var image = padded.index(TensorIndex.Tensor(arange(n).reshape(n, 1, 1)), TensorIndex.Tensor(rows.unsqueeze(2)),
            TensorIndex.Tensor(columns.unsqueeze(1))).unsqueeze(1);
        return new Pairs(where(rand(n, 1, 1, 1) < 0.5, image.flip(-1), image), batch.Target);

        Tensor Offset() => randint(0, 9, [n, 1], ScalarType.Int64) + arange(side);
    }

    // What one neuron can tell apart: a disc from what is around it, and XOR.
    private static void DrawNeurons(RecipeContext context)
    {
        const int side = 101;
        using var scope = NewDisposeScope();
        Seed.Set(context.Seed);
        var axis = linspace(-1, 1, side);
        var (x, y) = (axis.expand(side, side), -axis.unsqueeze(1).expand(side, side));
        var grid = stack([x, y], -1).reshape(-1, 2);
        var rows = new List<IReadOnlyList<FieldPanel>>();
        foreach (var (title, inside) in new[] { ("a disc", x.square() + y.square() < 0.5), ("XOR", x * y < 0) })
        {
            var label = inside.to(ScalarType.Float32).reshape(-1, 1);
            rows.Add([new FieldPanel(title, inside.to(ScalarType.Float32)), Panel(nn.Linear(2, 1), "an ordinary neuron"),
                Panel(new QuadraticLinear(2, 1), "a quadratic neuron")]);

            FieldPanel Panel(nn.Module<Tensor, Tensor> neuron, string name)
            {
                using var optimizer = new FusedAdam(neuron.parameters(), 0.1);
                for (var i = 0; i < context.Pick(10, 1000, 1000); i++)
                {
                    context.Cancellation.ThrowIfCancellationRequested();
                    using var step = NewDisposeScope();
                    nn.functional.binary_cross_entropy_with_logits(neuron.call(grid), label).backward();
                    optimizer.step();
                    optimizer.zero_grad();
                }
                using var off = no_grad();
                var logits = neuron.call(grid);
                var right = logits.gt(0).eq(label.gt(0.5)).to(ScalarType.Float32).mean().item<float>();
                neuron.Dispose();
                return new FieldPanel(string.Create(CultureInfo.InvariantCulture, $"{name}: {right:P1} right"),
                    logits.sigmoid().reshape(side, side))
                { Level = 0.5, Scale = "probability" };
            }
        }
        context.Save("neurons.png", "what a single neuron can tell apart", path =>
            new FieldPicture { Title = "Single neurons, trained by Adam", Rows = rows }.Save(path));
    }

    /// <summary>The networks of one depth.</summary>
    private sealed record Competition(int Depth, Contender Ordinary, Contender Random, Contender RandomSlow, Contender Plain,
        Contender Fast, Contender ReLinear)
    {
        public IEnumerable<Contender> Contenders => [Ordinary, Random, RandomSlow, Plain, Fast, ReLinear];

        public static Competition Hold(Contest contest, int depth)
        {
            var config = new QuadraticMlpConfig { InFeatures = Inputs, Depth = depth, OutFeatures = Classes };
            return new(depth,
                contest.Run($"ordinary, {depth} layers", () => ReluPerceptron.Create(Inputs, config.HiddenFeatures, depth, Classes)),
                Of("Kaiming, γ = 1", 1, QuadraticInit.Kaiming), Of("Kaiming, γ = 0.01", Gamma, QuadraticInit.Kaiming),
                Of("ReLinear, γ = 1", 1), Of("ReLinear, γ = 0.1", 0.1), Of("ReLinear, γ = 0.01", Gamma, isRunsOwn: true));

            Contender Of(string name, double gamma, QuadraticInit init = QuadraticInit.ReLinear, bool isRunsOwn = false) => contest.Run(
                $"{name}, {depth} layers", () => new QuadraticMlp(config with { Init = init }),
                _ => new ReLinearTraining(Contest.Classification, gamma, gamma), isRunsOwn: isRunsOwn);
        }

        public Claim Judge()
        {
            const double threshold = 0.94, failed = 0.5;
            var (worst, seeds) = (ReLinear.Values.Min(), ReLinear.Values.Count);
            var best = Random.Values.Concat(RandomSlow.Values).Max();
            var (diverged, needed) = (Plain.Results.Count(r => r is null), Math.Max(1, seeds - 1));
            static string Text(FormattableString text) => FormattableString.Invariant(text);
            return new Claim(Name, $"test accuracy at {Depth} layers, mean of the seeds", ReLinear.Mean, Ordinary.Mean, Ordinary.Mean,
            [
                new(Text($"ReLinear with γ = {Gamma} at least {threshold} with every seed ({worst:F3})"), worst >= threshold),
                new(Text($"its mean at least that of ordinary networks ({ReLinear.Mean:F4}, {Ordinary.Mean:F4})"),
                    ReLinear.Mean >= Ordinary.Mean),
                new(Text($"random initial values diverge or end below {failed} with every seed ({best:F3} at best)"), best < failed),
                new(Text($"γ = 1 diverges with {needed} seeds of {seeds} at least ({diverged})"), diverged >= needed),
            ]);
        }
    }
}
