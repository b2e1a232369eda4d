using System.Diagnostics;
using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

public class TrainerTests
{
    private static Trainer Make(nn.Module net, TrainerOptions options, TrainingStep? step = null, Schedule? schedule = null, params TrainerCallback[] callbacks) =>
        new(net, options)
        {
            Optimizer = p => new FusedAdam(p, lr: 1e-2),
            Schedule = schedule ?? Schedules.Constant(),
            Step = step ?? Steps.Supervised(Regression.MeanSquare, ("max", (p, y) => (p - y).abs().max())),
            Callbacks = callbacks,
        };

    [Test]
    public void LearnsARegression()
    {
        using var scope = NewDisposeScope();
        var result = Make(Regression.Net(), new TrainerOptions { Epochs = 60, BatchSize = 16 }).Fit(Regression.Data(), Regression.Data(32, seed: 2));
        Assert.Multiple(() =>
        {
            Assert.That(result.History, Has.Count.EqualTo(60));
            Assert.That(result.Steps, Is.EqualTo(240));
            Assert.That(result.BestValue, Is.LessThan(result.History[0].Validation["loss"] / 5));
            Assert.That(result.History[result.BestEpoch].Validation["loss"], Is.EqualTo(result.BestValue));
            Assert.That(result.History[0].Validation, Contains.Key("max"));
        });
    }

    [Test]
    public void EqualsAHandWrittenLoop()
    {
        using var scope = NewDisposeScope();
        var (ours, theirs, data) = (Regression.Net(), Regression.Net(), Regression.Data(50));
        Make(ours, new TrainerOptions { Epochs = 3, BatchSize = 16, Shuffle = false }).Fit(data);

        using var optimizer = optim.Adam(theirs.parameters(), 1e-2);
        for (var epoch = 0; epoch < 3; epoch++)
            for (var i = 0; i < 50; i += 16)
            {
                optimizer.zero_grad();
                Regression.MeanSquare(theirs.call(data.Inputs[i..Math.Min(50, i + 16)]), data.Targets[i..Math.Min(50, i + 16)]).backward();
                optimizer.step();
            }
        Assert.That(Regression.Distance(ours, theirs), Is.LessThan(1e-6));
    }

    [Test]
    public void AccumulatedBatchesEqualOneLargeBatch()
    {
        using var scope = NewDisposeScope();
        var (large, small, data) = (Regression.Net(), Regression.Net(), Regression.Data(48));
        Make(large, new TrainerOptions { Epochs = 4, BatchSize = 24, Shuffle = false }).Fit(data);
        Make(small, new TrainerOptions { Epochs = 4, BatchSize = 8, AccumulationSteps = 3, Shuffle = false }).Fit(data);
        Assert.That(Regression.Distance(large, small), Is.LessThan(1e-5));
    }

    [Test]
    public void AnIncompleteGroupIsAveragedOverTheBatchesThatItHas()
    {
        using var scope = NewDisposeScope();
        var (one, grouped, data) = (Regression.Net(), Regression.Net(), Regression.Data(8));
        Make(one, new TrainerOptions { Epochs = 5, BatchSize = 8, Shuffle = false }).Fit(data);
        Make(grouped, new TrainerOptions { Epochs = 5, BatchSize = 4, AccumulationSteps = 7, Shuffle = false }).Fit(data);
        Assert.That(Regression.Distance(one, grouped), Is.LessThan(1e-5));
    }

    [Test]
    public void GradientsAreClippedToTheNorm([Values] bool fused)
    {
        using var scope = NewDisposeScope();
        var net = Regression.Net();
        var before = net.parameters().Select(p => p.detach().clone()).ToList();
        // With a learning rate of 1 a step is the gradient.
        new Trainer(net, new TrainerOptions { BatchSize = 64, ClipNorm = 1e-3 })
        {
            Step = new SteepStep(),
            Optimizer = p => fused ? new FusedSgd(p, lr: 1) : optim.SGD(p, 1),
        }.Fit(Regression.Data());
        var moved = Math.Sqrt(net.parameters().Zip(before).Sum(p => (p.First - p.Second).square().sum().item<float>()));
        Assert.That(moved, Is.EqualTo(1e-3).Within(1e-6));
    }

    [Test]
    public void SameSeedSameWeights([Values(0, 0.3)] double dropout)
    {
        using var scope = NewDisposeScope();
        var nets = Enumerable.Range(0, 2).Select(_ => Regression.Net(dropout: dropout)).ToArray();
        foreach (var net in nets) Make(net, new TrainerOptions { Epochs = 2, BatchSize = 10, Seed = 5 }).Fit(Regression.Data());
        var other = Regression.Net(dropout: dropout);
        Make(other, new TrainerOptions { Epochs = 2, BatchSize = 10, Seed = 6 }).Fit(Regression.Data());
        Assert.Multiple(() =>
        {
            Assert.That(Regression.Distance(nets[0], nets[1]), Is.Zero);
            Assert.That(Regression.Distance(nets[0], other), Is.GreaterThan(0));
        });
    }

    [Test]
    public void StopsWhenPatienceRunsOut()
    {
        using var scope = NewDisposeScope();
        // Against random targets the validation loss soon stops falling.
        var noise = new PairDataset(randn([16, 2], generator: new Generator(3)), randn([16, 1], generator: new Generator(4)));
        var result = Make(Regression.Net(), new TrainerOptions { Epochs = 500, BatchSize = 8, Patience = 3, MinimumImprovement = 0.01 })
            .Fit(noise, Regression.Data(32, seed: 9));
        Assert.Multiple(() =>
        {
            Assert.That(result.StoppedEarly, Is.True);
            Assert.That(result.History, Has.Count.EqualTo(result.BestEpoch + 4));
        });
    }

    [Test]
    public void ANonFiniteLossNamesStepEpochAndCheckpointAndSparesTheWeights()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var net = Regression.Net();
        var calls = 0;
        var step = Steps.Supervised((p, y) => ++calls == 7 ? (p * float.NaN).sum() : Regression.MeanSquare(p, y));
        var trainer = Make(net, new TrainerOptions { Epochs = 5, BatchSize = 16, Directory = folder.Path }, step);
        var error = Assert.Throws<TrainingException>(() => trainer.Fit(Regression.Data()))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Step, Is.EqualTo(6));
            Assert.That(error.Epoch, Is.EqualTo(1));
            Assert.That(error.LastCheckpoint, Is.EqualTo(trainer.LastPath));
            Assert.That(error.Message, Does.Contain("step 6").And.Contain("epoch 2").And.Contain("last.pt").And.Contain("NaN"));
            Assert.That(net.parameters().All(p => p.isfinite().all().item<bool>()), Is.True);
        });
    }

    [Test]
    public void AFailingStepKeepsItsCause()
    {
        using var scope = NewDisposeScope();
        var step = Steps.Supervised((p, y) => (p + zeros(3, 3)).sum());
        var error = Assert.Throws<TrainingException>(() => Make(Regression.Net(), new TrainerOptions(), step).Fit(Regression.Data()))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.InnerException, Is.Not.Null);
            Assert.That(error.Message, Does.Contain("step 0").And.Contain("No checkpoint"));
        });
    }

    [TestCase(2), TestCase(5), TestCase(8)]
    public void ResumesBitExactlyAfterACancelInTheMiddleOfAnEpoch(int stopAfter)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var data = Regression.Data(40);
        var options = new TrainerOptions { Epochs = 3, BatchSize = 8, Directory = folder.Path, Seed = 11, AccumulationSteps = 2 };
        var schedule = Schedules.OneCycle();
        var straight = Regression.Net(dropout: 0.2);
        var expected = Make(straight, options with { Directory = null }, schedule: schedule).Fit(data, data);

        var broken = Regression.Net(dropout: 0.2);
        using var stop = new CancellationTokenSource();
        var cancel = new After(stopAfter, stop.Cancel);
        Assert.Throws<OperationCanceledException>(() => Make(broken, options, null, schedule, cancel).Fit(data, data, stop.Token));

        var resumed = Regression.Net(seed: 99, dropout: 0.2);
        var result = Make(resumed, options with { Resume = true }, schedule: schedule).Fit(data, data);
        Assert.Multiple(() =>
        {
            Assert.That(Regression.Distance(straight, resumed), Is.Zero);
            Assert.That(result.Steps, Is.EqualTo(expected.Steps));
            Assert.That(result.BestEpoch, Is.EqualTo(expected.BestEpoch));
            Assert.That(result.History.Select(h => h.Training["loss"]), Is.EqualTo(expected.History.Select(h => h.Training["loss"])).Within(1e-12));
        });
    }

    [Test]
    public void ResumeWithAnotherBatchSizeIsRefused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var options = new TrainerOptions { Epochs = 1, BatchSize = 8, Directory = folder.Path };
        Make(Regression.Net(), options).Fit(Regression.Data());
        var other = Make(Regression.Net(), options with { BatchSize = 16, Resume = true, Epochs = 2 });
        Assert.That(() => other.Fit(Regression.Data()), Throws.ArgumentException.With.Message.Contains("batch size"));
    }

    [Test]
    public void EvaluationLeavesTheModelInTrainingModeAndItsWeightsAlone()
    {
        using var scope = NewDisposeScope();
        var net = Regression.Net(dropout: 0.5);
        net.train();
        var trainer = Make(net, new TrainerOptions { BatchSize = 7 });
        var (first, second) = (trainer.Evaluate(Regression.Data())["loss"], trainer.Evaluate(Regression.Data())["loss"]);
        Assert.Multiple(() =>
        {
            Assert.That(first, Is.EqualTo(second));
            Assert.That(net.training, Is.True);
            Assert.That(Regression.Distance(net, Regression.Net(dropout: 0.5)), Is.Zero);
        });
    }

    [Test]
    public void MeansWeighByTheNumberOfExamples()
    {
        using var scope = NewDisposeScope();
        var net = Regression.Net();
        net.eval();
        var data = Regression.Data(25);
        var whole = Regression.MeanSquare(net.call(data.Inputs), data.Targets).item<float>();
        Assert.That(Make(net, new TrainerOptions { BatchSize = 8 }).Evaluate(data)["loss"], Is.EqualTo(whole).Within(1e-6));
    }

    [Test]
    public void BadOptionsAreRefused()
    {
        using var net = Regression.Net();
        Assert.Multiple(() =>
        {
            Assert.That(() => new Trainer(net, new TrainerOptions { Epochs = 0 }) { Step = null! }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Trainer(net, new TrainerOptions { BatchSize = -1 }) { Step = null! }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Trainer(net, new TrainerOptions { ClipNorm = 0 }) { Step = null! }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Trainer(net, new TrainerOptions { Resume = true }) { Step = null! }, Throws.ArgumentException);
            Assert.That(() => Make(net, new TrainerOptions { BatchSize = 100, DropLast = true }).Fit(Regression.Data()), Throws.ArgumentException);
            Assert.That(() => Make(net, new TrainerOptions { Monitor = "accuracy" }).Fit(Regression.Data()), Throws.ArgumentException.With.Message.Contains("accuracy"));
        });
    }

    // Two optimizers and none: the seam must carry methods that are not "one model, one optimizer, one backward".
    [Test]
    public void AStepMayOwnSeveralOptimizersAndModules()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var (generator, critic) = (Regression.Net(1), Regression.Net(2));
        var before = Regression.Net(2);
        var trainer = Make(generator, new TrainerOptions { Epochs = 2, BatchSize = 32, Directory = folder.Path }, new TwoPlayers(critic));
        var result = trainer.Fit(Regression.Data());
        Assert.Multiple(() =>
        {
            Assert.That(result.History[^1].Training.Keys, Is.EquivalentTo(["loss", "critic"]));
            Assert.That(Regression.Distance(critic, before), Is.GreaterThan(0));
        });
    }

    [Test]
    public void AStepMayHaveNoOptimizer()
    {
        using var scope = NewDisposeScope();
        var result = Make(Regression.Net(), new TrainerOptions { Epochs = 2 }, new RandomSearch()).Fit(Regression.Data());
        Assert.That(result.History[^1].LearningRate, Is.NaN);
        Assert.That(result.History[1].Training["loss"], Is.LessThanOrEqualTo(result.History[0].Training["loss"]));
    }

    [Test, Category("Slow")]
    public void MemoryStaysFlat()
    {
        using var scope = NewDisposeScope();
        // Activations of some megabytes a step: a leak of one tensor a step would show as gigabytes.
        using var net = nn.Sequential(("a", nn.Linear(64, 2048)), ("t", nn.Tanh()), ("b", nn.Linear(2048, 1)));
        var data = new PairDataset(randn(256, 64), randn(256, 1));
        long early = 0, late = 0;
        var probe = new StepProbe(step =>
        {
            if (step == 200) early = Resident();
            if (step == 1999) late = Resident();
        });
        Make(net, new TrainerOptions { Epochs = 500, BatchSize = 64, ClipNorm = 1 }, callbacks: probe).Fit(data);
        Assert.That((double)late / early, Is.LessThan(1.02), $"{early >> 20} MB after 200 steps, {late >> 20} MB after 2000");

        static long Resident()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    private sealed class After(int steps, Action action) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report)
        {
            if (report.Step + 1 == steps) action();
        }
    }

    private sealed class StepProbe(Action<long> look) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report) => look(report.Step);
    }

    private sealed class SteepStep : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            var loss = 1e3 * Regression.MeanSquare(context.Predict(batch.Input), batch.Target);
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }
    }

    private sealed class TwoPlayers(nn.Module<Tensor, Tensor> critic) : TrainingStep<Pairs>
    {
        public override IReadOnlyDictionary<string, nn.Module> Modules { get; } = new Dictionary<string, nn.Module> { ["critic"] = critic };

        public override IReadOnlyList<optim.Optimizer> CreateOptimizers(nn.Module model, Func<IEnumerable<Parameter>, optim.Optimizer> make) =>
            [make(model.parameters()), optim.SGD(critic.parameters(), 1e-2, momentum: 0.9)];

        protected override void Run(Pairs batch, StepContext context)
        {
            var loss = Regression.MeanSquare(context.Predict(batch.Input), batch.Target);
            context.Backward(loss);
            context.Update(context.Optimizers[0]);
            context.Log("loss", loss);

            var other = Regression.MeanSquare(critic.call(batch.Input), -batch.Target);
            context.Backward(other);
            context.Update(context.Optimizers[1]);
            context.Log("critic", other);
        }
    }

    private sealed class RandomSearch : TrainingStep<Pairs>
    {
        private double _best = double.PositiveInfinity;

        public override IReadOnlyList<optim.Optimizer> CreateOptimizers(nn.Module model, Func<IEnumerable<Parameter>, optim.Optimizer> make) => [];

        protected override void Run(Pairs batch, StepContext context)
        {
            using var off = no_grad();
            _best = Math.Min(_best, Regression.MeanSquare(context.Predict(batch.Input), batch.Target).item<float>());
            context.Log("loss", _best);
        }
    }
}
