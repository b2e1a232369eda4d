using System.Text;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Text;
using TorchZoo.Generation;
using TorchZoo.Kernels;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A language model of bytes against an LSTM and a transformer of as many weights that see the same text.</summary>
internal sealed class LanguageExperiment(RecipeContext context, CellKind? cell)
{
    private const string Bits = "bits", Opening = "In the beginning ";
    private const double Asked = 2.3, AskedBelowTransformer = 0.3;

    // Points of the learning curve, and pieces of the text for each.
    private const int Evaluations = 8, CurvePieces = 128;

    private static readonly TrainingStep Step = new LanguageStep();

    private sealed record Trained(string Name, nn.Module<Tensor, Tensor> Net, double Bits, Series Curve);

    private sealed record Settings(long Dim, int Layers, long Length, int BatchSize, int Updates, int WarmUp);

    private Settings Plan => context.Pick<Settings>(new(16, 1, 24, 4, 16, 2), new(96, 2, 128, 16, 400, 40),
        new(512, 8, 2048, 16, 20_000, 2000));

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var plan = Plan;
        var text = RecipeText.Load(context, atLeast: plan.Length + 1);
        context.Output.Note("text", text.Title);
        context.Output.Note("bytes to learn from", text.Train.shape[0]);
        context.Output.Note("bytes held out", text.HeldOut.shape[0]);
        var config = new ParaRnnLanguageModelConfig
        {
            Vocabulary = text.Symbols.Count,
            Dim = plan.Dim,
            NumLayers = plan.Layers,
            Cell = cell!.Value,
        };
        var recurrent = Train(NewtonExperiment.Title(config.Cell), () =>
        {
            using var generator = new Generator(context.Seed);
            return new ParaRnnLanguageModel(config, generator);
        }, text, isMain: true);
        var weights = Weights(recurrent.Net);
        Trained[] nets =
        [
            recurrent,
            Train("LSTM", () => new LanguageModels.Lstm(config.Vocabulary, plan.Dim, plan.Layers, weights), text),
            Train("transformer", () => new LanguageModels.Transformer(config.Vocabulary, plan.Dim, plan.Layers, 4, plan.Length,
            MlpWidth(recurrent)), text),
            // Worth its time where there is much: it is a matter of the short convolution and the few updates.
            .. context.Size == RunSize.Full ? [Train("linear in the state", () =>
                new ParaRnnLanguageModel(config with { MaxRecurrentNorm = 0 }), text)]
                : Array.Empty<Trained>(),
        ];
        var times = StepTimes(nets, text);
        context.Output.Table($"after {context.Epochs ?? Evaluations} × {Updates} updates of {plan.BatchSize} × {plan.Length} bytes",
            ["model", "weights", "bits a byte, held out", "update (ms)"],
            nets.Select((n, i) => (object[])[n.Name, Weights(n.Net), n.Bits, times[i]]));
        context.Save("learning.png", "bits a byte on held-out text while training", path => new LinePlot
        {
            Title = text.Title,
            XLabel = "updates",
            YLabel = "bits a byte, held out",
            Series = [.. nets.Select(n => n.Curve)],
        }.Save(path, 640, 420));
        Converge((ParaRnnLanguageModel)recurrent.Net, text);
        Say((ParaRnnLanguageModel)recurrent.Net, text);
        var transformer = nets[2].Bits;
        return new Claim(ParaRnnRecipe.Name, $"bits a byte, {recurrent.Name}", recurrent.Bits, Asked, transformer,
        [
            new(Invariant($"at most {Asked} bits a byte of held-out text ({recurrent.Bits:0.###})"), recurrent.Bits <= Asked),
            new(Invariant($"at least {AskedBelowTransformer} below the transformer ({transformer:0.###})"),
            recurrent.Bits <= transformer - AskedBelowTransformer),
        ]);
    }

    /// <summary>The held-out bits of a checkpoint, and what it says.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        var text = RecipeText.Load(context, atLeast: Plan.Length + 1);
        using var net = Zoo.Load<ParaRnnLanguageModel>(checkpoint);
        if (net.Config.Vocabulary != text.Symbols.Count)
            throw new ArgumentException($"the model knows {net.Config.Vocabulary} symbols, {text.Title} has {text.Symbols.Count}",
                "--data");
        net.to(context.Device);
        context.Output.Table(text.Title, ["model", "weights", "bits a byte, held out"],
            [[NewtonExperiment.Title(net.Config.Cell), Weights(net), HeldOut(net, text)]]);
        Say(net, text);
    }

    private int Updates => Math.Max(1, Plan.Updates / Evaluations);

    private Trained Train(string name, Func<nn.Module<Tensor, Tensor>> make, RecipeText text, bool isMain = false)
    {
        random.manual_seed(unchecked((long)context.Seed));
        var plan = Plan;
        var net = make();
        var trainer = new Trainer(net, context.TrainerOptions(isMain ? context.Directory : null) with
        {
            Epochs = context.Epochs ?? Evaluations,
            BatchSize = plan.BatchSize,
            EvaluationBatchSize = plan.BatchSize,
            ClipNorm = 1,
            Monitor = Bits,
        })
        {
            Name = $"Training {name}",
            Callbacks = context.Callbacks(name),
            Optimizer = p => new FusedAdamW(p, 3e-3, 0.9, 0.95, weightDecay: 1e-4),
            Schedule = Schedules.WarmUp(plan.WarmUp, Schedules.Cosine()),
            Step = Step,
            Notes = new Dictionary<string, string>(context.SizeAndSeed)
            {
                [Recipe.NoteName] = ParaRnnRecipe.Name,
            },
            Progress = context.Progress,
        };
        var pieces = new TokenWindows(text.HeldOut, plan.Length);
        var some = pieces.Subset(Enumerable.Range(0, (int)Math.Min(CurvePieces, pieces.Count)).Select(i =>
            i * pieces.Count / Math.Min(CurvePieces, pieces.Count)));
        var result = trainer.Fit(new RandomWindows(new TokenWindows(text.Train, plan.Length, stride: 1)), Updates, some,
            context.Cancellation);
        net.eval();
        return new(name, net, HeldOut(net, text),
            new Series(name, [.. result.History.Select(h => (double)h.Step)], [.. result.History.Select(h => h.Validation[Bits])]));
    }

    // Of pieces, each of which begins without a state: so every model sees as much.
    private double HeldOut(nn.Module<Tensor, Tensor> net, RecipeText text) =>
        new Trainer(net, context.TrainerOptions(null) with { EvaluationBatchSize = 4 * Plan.BatchSize }) { Step = Step }
            .Evaluate(new TokenWindows(text.HeldOut, Plan.Length))[Bits];

    private double[] StepTimes(Trained[] nets, RecipeText text)
    {
        using var scope = NewDisposeScope();
        var batch = (Pairs)new TokenWindows(text.Train, Plan.Length).Take(arange(Plan.BatchSize, ScalarType.Int64)).To(context.Device);
        return InterleavedTimes.Measure(context.Pick(1, 5, 21), [.. nets.Select(n => Update(n.Net))], context.Cancellation);

        Action Update(nn.Module<Tensor, Tensor> net)
        {
            // So small a rate leaves the weights.
            var optimizer = new FusedAdamW(net.parameters(), 1e-30);
            return () =>
            {
                using var step = NewDisposeScope();
                LanguageStep.Loss(net.call(batch.Input), batch.Target).backward();
                optimizer.step();
                optimizer.zero_grad();
                if (context.Device.type == DeviceType.CUDA) cuda.synchronize(context.Device);
            };
        }
    }

    // What Newton's method leaves after three iterations on trained weights.
    private void Converge(ParaRnnLanguageModel net, RecipeText text)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var batch = (Pairs)new TokenWindows(text.HeldOut, Plan.Length).Take(zeros([1], ScalarType.Int64)).To(context.Device);
        var inputs = batch.Input;
        foreach (var block in net.Blocks) block.Cell.Mode = RecurrenceMode.Parallel;
        net.call(inputs);
        var reports = net.Blocks.Select(b => b.Cell.LastReport!).ToArray();
        foreach (var block in net.Blocks) block.Cell.Mode = RecurrenceMode.Auto;
        context.Output.Note("largest residual of Newton's method after 3 iterations, trained weights, float32",
            reports.Max(r => r.ResidualPerIteration[Math.Min(3, r.ResidualPerIteration.Count - 1)]));
    }

    private void Say(ParaRnnLanguageModel net, RecipeText text)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        // Its own opening if the text lacks some letter of ours.
        var known = Encoding.UTF8.GetBytes(Opening).All(b => text.Symbols.Values.Contains(b));
        var prompt = known ? text.Symbols.Encode(Encoding.UTF8.GetBytes(Opening)) : text.HeldOut[..16];
        var said = net.Generate(prompt.to(ScalarType.Int64).to(context.Device).unsqueeze(0), context.Pick(32, 400, 1000),
            new TokenSampler { Temperature = 0.7 }, context.Device.type == DeviceType.CPU ? generator : null);
        context.Output.Heading("What it says");
        context.Output.Say(Encoding.UTF8.GetString([.. text.Symbols.Decode(prompt), .. text.Symbols.Decode(said.squeeze(0))]));
    }

    private static long MlpWidth(Trained recurrent)
    {
        var config = ((ParaRnnLanguageModel)recurrent.Net).Config;
        return config.MlpDim ?? Layers.SwiGlu.UsualHidden(config.Dim);
    }

    private static long Weights(nn.Module net) => net.parameters().Sum(p => p.numel());

    /// <summary>Cross-entropy with the z-loss; bits of a byte are those of the former alone.</summary>
    private sealed class LanguageStep : TrainingStep<Pairs>
    {
        public static Tensor Loss(Tensor logits, Tensor targets) =>
            TokenCrossEntropy.Loss(logits, targets) + ZLoss.UsualWeight * ZLoss.Of(logits);

        protected override void Run(Pairs batch, StepContext step)
        {
            var loss = Loss(step.Predict(batch.Input), batch.Target);
            step.Backward(loss);
            step.Update();
            step.Log("loss", loss);
        }

        protected override void Evaluate(Pairs batch, StepContext step) =>
            step.Log(Bits, TokenCrossEntropy.Bits(step.Predict(batch.Input), batch.Target));
    }
}
