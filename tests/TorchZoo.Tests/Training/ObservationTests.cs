using System.Text.Json;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

/// <summary>What can be seen of a run: callbacks, profile, records, failures, averages, the search for a learning rate.</summary>
public class ObservationTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void CallbacksComeInOrder()
    {
        using var scope = NewDisposeScope();
        var seen = new Recorder();
        Fit(Regression.Net(), new TrainerOptions { Epochs = 1, BatchSize = 32, Directory = _folder.Path }, seen);
        Assert.That(seen.Events, Is.EqualTo(new[] { "start", "gradients", "step 0", "gradients", "step 1", "epoch 0", "best.pt", "last.pt", "end" }));
    }

    // User code, libtorch, and a tensor of eight exabytes: each names step and epoch, ends its scope and leaves whole files only.
    [TestCase("user"), TestCase("libtorch"), TestCase("memory"), TestCase("data")]
    public void WhateverFailsIsNamedAndLeavesNothingHalfDone(string what)
    {
        using var scope = NewDisposeScope();
        var seen = new Recorder();
        var data = new FailingData(what == "data" ? 6 : int.MaxValue);
        var calls = 0;
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        var step = Steps.Supervised((p, y) => ++calls != 6 ? Regression.MeanSquare(p, y) : what switch
        {
            "user" => throw new InvalidOperationException("a bug of the user"),
            "libtorch" => (p + zeros(3, 3)).sum(),
            "memory" => zeros(1L << 60).sum(),
            _ => Regression.MeanSquare(p, y),
        });
        var error = Assert.Throws<TrainingException>(() => Fit(Regression.Net(), new TrainerOptions { Epochs = 9, BatchSize = 16, Directory = _folder.Path },
            seen, step, data))!;
        Assert.Multiple(() =>
        {
            Assert.That((error.Step, error.Epoch), Is.EqualTo((5L, 1)));
            Assert.That(error.Message, Does.Contain("step 5").And.Contain("epoch 2").And.Contain("last.pt"));
            Assert.That(seen.Events, Has.Member("exception TrainingException"));
            Assert.That(seen.Events[^1], Is.EqualTo("end"));
            Assert.That(Directory.GetFiles(_folder.Path, "*.tmp*"), Is.Empty);
        });
        using (Checkpoint.Load(error.LastCheckpoint!)) { }
        // The net's four parameters and the optimizer's are gone with their owners; nothing of the failed step is left.
        Assert.That(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount - before, Is.LessThan(40));
    }

    [Test]
    public void AProfileAddsUpToTheTimeOfTheSteps()
    {
        using var scope = NewDisposeScope();
        var profile = new ProfileCallback(warmUp: 4);
        var step = Steps.Supervised((p, y) =>
        {
            Thread.Sleep(5);
            return Regression.MeanSquare(p, y);
        });
        Fit(Regression.Net(), new TrainerOptions { Epochs = 4, BatchSize = 16 }, profile, step);
        Assert.Multiple(() =>
        {
            Assert.That(profile.Steps, Is.EqualTo(12));
            Assert.That(profile.Examples, Is.EqualTo(12 * 16));
            Assert.That(profile.Mean.Forward, Is.GreaterThanOrEqualTo(0.004), "that's where it slept");
            Assert.That(profile.Parts.Select(p => p.Seconds), Is.All.GreaterThanOrEqualTo(0));
            Assert.That(profile.Parts.Sum(p => p.Seconds), Is.EqualTo(profile.Mean.Total).Within(1e-9));
            Assert.That(profile.ToString(), Does.Contain("forward").And.Contain("%"));
        });
    }

    [Test]
    public void TheFolderSaysHowToRepeatTheRun()
    {
        using var scope = NewDisposeScope();
        Fit(Regression.Net(), new TrainerOptions { Directory = _folder.Path, Seed = 12, BatchSize = 7 });
        using var json = JsonDocument.Parse(File.ReadAllBytes(_folder[RunRecord.FileName]));
        var root = json.RootElement;
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("seed").GetUInt64(), Is.EqualTo(12));
            Assert.That(root.GetProperty("options").GetProperty("batch_size").GetInt32(), Is.EqualTo(7));
            Assert.That(root.GetProperty("options").GetProperty("precision").GetString(), Is.EqualTo("float32"));
            Assert.That(root.GetProperty("versions").EnumerateObject().Select(v => v.Name), Is.SupersetOf(new[] { "torchzoo", "torchsharp", "libtorch", "dotnet" }));
            Assert.That(root.GetProperty("device").GetString(), Is.EqualTo("cpu"));
            Assert.That(root.GetProperty("command_line").GetArrayLength(), Is.GreaterThan(0));
            Assert.That(root.GetProperty("parameters").GetInt64(), Is.EqualTo(65));
        });
    }

    [Test]
    public void HistogramsOfWeightsAndGradientsAreWritten()
    {
        using var scope = NewDisposeScope();
        Fit(Regression.Net(), new TrainerOptions { Epochs = 1, BatchSize = 16 }, new HistogramCallback(_folder.Path, everySteps: 2));
        var file = File.ReadAllText(Directory.GetFiles(_folder.Path, "events.*").Single());
        Assert.That(file, Does.Contain("weights/first.weight").And.Contain("gradients/second.bias"));
    }

    [Test]
    public void GradientNormsAreLoggedIfAskedFor()
    {
        using var scope = NewDisposeScope();
        var result = Fit(Regression.Net(), new TrainerOptions { LogGradientNorm = true });
        Assert.That(result.History[0].Training["gradient_norm"], Is.GreaterThan(0));
        Assert.That(Fit(Regression.Net(), new TrainerOptions()).History[0].Training.ContainsKey("gradient_norm"), Is.False);
    }

    // The average is evaluated, saved as the model and left in it; training goes on with the weights.
    [Test]
    public void AveragedWeightsAreTheModelAndResumeBitExactly()
    {
        using var scope = NewDisposeScope();
        var data = Regression.Data();
        var options = new TrainerOptions { Epochs = 4, BatchSize = 16, AverageDecay = 0.5 };
        var straight = Regression.Net();
        Fit(straight, options, null, null, data);

        var averaged = Regression.Net();
        Fit(averaged, options with { Epochs = 2, Directory = _folder.Path }, null, null, data);
        var loaded = Regression.Net(seed: 3);
        using (var checkpoint = Checkpoint.Load(_folder["last.pt"])) checkpoint.LoadInto(loaded);
        Assert.That(Regression.Distance(averaged, loaded), Is.Zero);

        var plain = Regression.Net();
        Fit(plain, options with { Epochs = 2, AverageDecay = null }, null, null, data);
        Assert.That(Regression.Distance(averaged, plain), Is.GreaterThan(1e-5));

        var resumed = Regression.Net(seed: 4);
        Fit(resumed, options with { Directory = _folder.Path, Resume = true }, null, null, data);
        Assert.That(Regression.Distance(straight, resumed), Is.Zero);
    }

    [Test]
    public void EvaluationRunsInInferenceModeUnlessTheStepDifferentiates([Values] bool differentiates)
    {
        using var scope = NewDisposeScope();
        var step = new LookingStep(differentiates);
        new Trainer(Regression.Net(), new TrainerOptions()) { Step = step }.Evaluate(Regression.Data());
        Assert.That(step.WasInference, Is.EqualTo(!differentiates));
    }

    [Test]
    public void TheLearningRateSearchFindsTheSlopeAndTouchesNothing()
    {
        using var scope = NewDisposeScope();
        var net = Regression.Net();
        var before = Regression.Net();
        using var random = get_rng_state();
        var trainer = new Trainer(net, new TrainerOptions { BatchSize = 32 })
        {
            Optimizer = p => new FusedAdam(p),
            Step = Steps.Supervised(Regression.MeanSquare),
        };
        var search = trainer.FindLearningRate(Regression.Data(256), 1e-6, 10, 120);
        Assert.Multiple(() =>
        {
            Assert.That(Regression.Distance(net, before), Is.Zero);
            Assert.That(net.parameters().All(p => p.grad is null), Is.True);
            Assert.That(get_rng_state().allclose(random), Is.True);
            Assert.That(search.Rates, Is.Ordered.Ascending);
            Assert.That(search.Rates[0], Is.EqualTo(1e-6).Within(1e-12));
            // A small tanh net with Adam trains well at some 10⁻²: not at 10⁻⁵, not at 1.
            Assert.That(search.Suggestion, Is.InRange(1e-3, 0.3));
            Assert.That(new LearningRateSearch([1, 2, 3, 4, 5, 6], [4, 3, 2.5, 1, 0, 9]).Suggestion, Is.EqualTo(4));
            Assert.That(new LearningRateSearch([1, 2], [1, 2]).Suggestion, Is.NaN);
            Assert.That(() => trainer.FindLearningRate(Regression.Data(), 1, 0.1), Throws.InstanceOf<ArgumentException>());
        });
    }

    [Test]
    public void ASeedCoversTorchDataAndDotNet()
    {
        using var scope = NewDisposeScope();
        var before = Seed.Current;
        try
        {
            var one = Draw(5);
            Assert.That(Draw(5), Is.EqualTo(one));
            Assert.That(Draw(6), Is.Not.EqualTo(one));
            Assert.That(new TrainerOptions().Seed, Is.EqualTo(6));
            Assert.That(Seed.RandomFor(1).Next(), Is.Not.EqualTo(Seed.RandomFor(2).Next()));
        }
        finally { Seed.Set(before); }

        static (float, int, double) Draw(ulong seed)
        {
            Seed.Set(seed);
            var net = nn.Linear(2, 1);
            Fit(net, new TrainerOptions { BatchSize = 8 });
            return (net.weight![0, 0].item<float>(), Seed.Random.Next(), Seed.RandomFor(3, 4).NextDouble());
        }
    }

    [Test, Category("Slow")]
    public void MemoryStaysFlatOverTenThousandStepsOfManySmallOperations()
    {
        using var scope = NewDisposeScope();
        using var net = new ManyOperations();
        var data = new PairDataset(randn(64, 4), randn(64, 4));
        long early = 0, late = 0;
        var probe = new After(step =>
        {
            if (step == 1000) early = Resident();
            if (step == 9999) late = Resident();
        });
        Fit(net, new TrainerOptions { Epochs = 2500, BatchSize = 16, ClipNorm = 1, AverageDecay = 0.9 }, probe, null, data);
        Assert.That((double)late / early, Is.LessThan(1.03), $"{early >> 20} MB after 1000 steps, {late >> 20} MB after 10 000");

        static long Resident()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Environment.WorkingSet;
        }
    }

    private static TrainingResult Fit(nn.Module model, TrainerOptions options, TrainerCallback? callback = null, TrainingStep? step = null,
        IDataset? data = null) => new Trainer(model, options)
        {
            Step = step ?? Steps.Supervised(Regression.MeanSquare),
            Callbacks = callback is null ? [] : [callback],
        }.Fit(data ?? Regression.Data());

    private sealed class Recorder : TrainerCallback
    {
        public List<string> Events { get; } = [];

        public override void OnStart(Trainer trainer, long firstStep) => Events.Add("start");

        public override void OnGradients(Trainer trainer, StepContext context, optim.Optimizer optimizer) => Events.Add("gradients");

        public override void OnStep(Trainer trainer, StepReport report) => Events.Add($"step {report.Step}");

        public override void OnEpoch(Trainer trainer, EpochReport report) => Events.Add($"epoch {report.Epoch}");

        public override void OnCheckpoint(Trainer trainer, string path) => Events.Add(Path.GetFileName(path));

        public override void OnException(Trainer trainer, Exception exception) => Events.Add($"exception {exception.GetType().Name}");

        public override void OnEnd(Trainer trainer) => Events.Add("end");
    }

    private sealed class After(Action<long> look) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report) => look(report.Step);
    }

    private sealed class FailingData(int at) : IDataset
    {
        private readonly PairDataset _data = Regression.Data();
        private int _calls;

        public long Count => _data.Count;

        public Batch Take(Tensor indices) => ++_calls == at ? throw new IOException("the disk is gone") : _data.Take(indices);
    }

    private sealed class LookingStep(bool differentiates) : TrainingStep<Pairs>
    {
        public bool WasInference { get; private set; }

        public override bool EvaluationDifferentiates => differentiates;

        protected override void Run(Pairs batch, StepContext context) { }

        protected override void Evaluate(Pairs batch, StepContext context)
        {
            WasInference = is_inference_mode_enabled();
            context.Log("loss", 1);
        }
    }

    private sealed class ManyOperations : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _linear = nn.Linear(4, 4);

        // Kept: TorchSharp may finalise the scalar that it makes of a double before libtorch has read it, once in a million operations.
        private readonly Scalar _factor = 0.99.ToScalar();

        public ManyOperations() : base(nameof(ManyOperations)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var x = _linear.call(input);
            for (var i = 0; i < 100; i++) x = (x * _factor).tanh();
            return x;
        }
    }
}
