using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Distributed;
using TorchZoo.Optimizers;
using TorchZoo.Tests.Training;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>Short trainings in float64 whose outcome must not depend on how many ranks share them.</summary>
internal static class SharedTraining
{
    /// <summary>Their names.</summary>
    public static readonly string[] Names =
        ["plain", "uneven", "accumulated", "clipped", "averaged", "two-optimizers", "two-passes", "sometimes", "reused", "last-of-one",
        "sharded", "sharded-and-clipped", "normalised"];

    /// <summary>One in which gradients travel as bfloat16.</summary>
    public const string Compressed = "compressed";

    public static TrainingOutcome Run(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        nn.Module<Tensor, Tensor> net = name switch
        {
            "sometimes" => new Sometimes(),
            "reused" => new Reused(),
            "normalised" => SyncBatchNorm.Convert(nn.Sequential(("a", nn.Linear(2, 16)), ("n", nn.BatchNorm1d(16)), ("t", nn.Tanh()),
                ("c", nn.Linear(16, 1)))),
            _ => nn.Sequential(("a", nn.Linear(2, 16)), ("t", nn.Tanh()), ("b", nn.Linear(16, 16)), ("u", nn.Tanh()), ("c", nn.Linear(16,
                1))),
        };
        net.to(ScalarType.Float64);
        var options = new TrainerOptions { Epochs = 3, BatchSize = 8, Seed = 21 };
        options = name switch
        {
            "uneven" => options with { BatchSize = 7 },
            "last-of-one" => options with { BatchSize = 9 },
            "accumulated" => options with { AccumulationSteps = 3, Epochs = 8 },
            "clipped" => options with { ClipNorm = 0.05 },
            "averaged" => options with { AverageDecay = 0.9 },
            "sharded" => options with { ShardOptimizer = true },
            "sharded-and-clipped" => options with { ShardOptimizer = true, ClipNorm = 0.05 },
            Compressed => options with { CompressGradients = true },
            _ => options,
        };
        var trainer = new Trainer(net, options)
        {
            Optimizer = p => new FusedAdamW(p, lr: 1e-2),
            Schedule = Schedules.OneCycle(warmUp: 0.2),
            Step = name switch
            {
                "two-optimizers" => new Adversaries(),
                "two-passes" => new TwoPasses(),
                _ => Steps.Supervised(Regression.MeanSquare, ("error", (p, y) => (p - y).abs().mean())),
            },
        };
        return TrainingOutcome.Of(net, trainer.Fit(Data(64, 1), Data(19, 2)));
    }

    public static PairDataset Data(long count, ulong seed)
    {
        using var generator = new Generator(seed);
        var x = randn([count, 2], ScalarType.Float64, generator: generator);
        return new PairDataset(x, (x.select(1, 0).sin() + x.select(1, 1).square()).unsqueeze(1));
    }

    /// <summary>Takes a turn only if an example asks for it: in some batches, and on some ranks, its gradient is missing.</summary>
    private sealed class Sometimes : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _always = nn.Linear(2, 1), _seldom = nn.Linear(2, 1);

        public Sometimes() : base(nameof(Sometimes)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = _always.call(x);
            var asked = x.select(1, 0) > 1.5;
            if (asked.any().item<bool>()) y = y + _seldom.call(x) * asked.unsqueeze(1).to(x.dtype);
            return y.MoveToOuterDisposeScope();
        }
    }

    /// <summary>Calls a layer several times, and uses a weight beside its layer.</summary>
    private sealed class Reused : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _in = nn.Linear(2, 8), _middle = nn.Linear(8, 8), _out = nn.Linear(8, 1);

        public Reused() : base(nameof(Reused)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var h = _in.call(x).tanh();
            h = h + nn.functional.linear(h, _out.weight!.expand(8, 8) * 0.1);
            for (var i = 0; i < 3; i++) h = _middle.call(h).tanh();
            return _out.call(h).MoveToOuterDisposeScope();
        }
    }

    private sealed class TwoPasses : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            for (var i = 0; i < 2; i++)
            {
                var loss = Regression.MeanSquare(context.Predict(batch.Input), batch.Target * (i + 1));
                context.Backward(loss);
                context.Log($"loss", loss);
            }
            context.Update();
        }
    }

    /// <summary>A critic that the model works against; the gradients that one leaves in the other are thrown away.</summary>
    private sealed class Adversaries : TrainingStep<Pairs>
    {
        private readonly nn.Module<Tensor, Tensor> _critic;

        public Adversaries() => Modules = new Dictionary<string, nn.Module>
        {
            ["critic"] = _critic = nn.Linear(1,
            1).to(ScalarType.Float64)
        };

        public override IReadOnlyDictionary<string, nn.Module> Modules { get; }

        public override IReadOnlyList<optim.Optimizer> CreateOptimizers(nn.Module model, Func<IEnumerable<Parameter>,
            optim.Optimizer> make) =>
            [make(model.parameters()), make(_critic.parameters())];

        protected override void Run(Pairs batch, StepContext context)
        {
            context.Optimizers[1].zero_grad();
            var fake = context.Predict(batch.Input);
            context.Backward((_critic.call(fake.detach()) - 1).square().mean() + _critic.call(batch.Target).square().mean());
            context.Update(context.Optimizers[1]);
            context.Optimizers[0].zero_grad();
            var loss = _critic.call(fake).square().mean() + Regression.MeanSquare(fake, batch.Target);
            context.Backward(loss);
            context.Update(context.Optimizers[0]);
            context.Log("loss", loss);
        }
    }
}
