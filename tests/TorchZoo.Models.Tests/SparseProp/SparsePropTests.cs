using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Models.Compression;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Tests;

public sealed class SparsePropTests
{
    internal static readonly ModelSample Sample = new("sparseprop",
        new SparsePropConfig { InFeatures = 12, HiddenFeatures = [20, 16], OutFeatures = 3, Sparsity = 0.7 }, [5, 3, 4]);

    [Test]
    public void TheModelHasTheSparsityAndVarianceItWasAskedFor()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = new SparseProp(new SparsePropConfig { InFeatures = 100, HiddenFeatures = [300, 200], OutFeatures = 4, Sparsity = 0.9 }, random);
        var layers = net.modules().OfType<SparseLayer>().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(layers.Select(l => l.NonZeroCount), Is.EqualTo(new[] { 3000, 6000 }));
            // Uniform in ±1/√in, times 1/√(1 − s).
            Assert.That(layers[0].StoredWeight.std().item<float>(), Is.EqualTo(0.1 / Math.Sqrt(3) / Math.Sqrt(0.1)).Within(5).Percent);
            Assert.That(net.call(randn(7, 100)).shape, Is.EqualTo(new[] { 7, 4 }));
            Assert.That(() => new SparseProp(new SparsePropConfig { Sparsity = 1.5 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SparseProp(new SparsePropConfig { HiddenFeatures = [0] }), Throws.ArgumentException);
            Assert.That(new SparseProp(new SparsePropConfig { Sparsity = 0 }).modules().OfType<SparseLayer>(), Is.Empty);
        });
    }

    private static Sequential Dense(Generator random)
    {
        using var off = no_grad();
        var net = Sequential(("conv", Conv2d(3, 8, 3, padding: 1L)), ("relu", ReLU()), ("flat", Flatten()), ("fc", Linear(8 * 36, 30)), ("out", Linear(30, 5)));
        foreach (var p in net.parameters()) p.copy_(randn(p.shape, generator: random));
        return net;
    }

    [TestCase(0.0), TestCase(0.3), TestCase(0.95), TestCase(1.0)]
    public void UniformPruningKeepsTheLargestOfEachLayer(double sparsity)
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = Dense(random);
        var before = net.parameters().Select(p => p.detach().clone()).ToList();
        var masks = MagnitudePruner.Uniform(net, sparsity, skip: new HashSet<string> { "out" });
        Assert.That(masks.Keys, Is.EqualTo(new[] { "conv", "fc" }));
        foreach (var (old, now) in before.Zip(net.parameters()).Where(p => p.First.dim() > 1 && p.First.shape[0] != 5))
        {
            var kept = now.ne(0);
            Assert.Multiple(() =>
            {
                Assert.That(Math.Abs(1 - kept.sum().item<long>() / (double)old.numel() - sparsity), Is.LessThanOrEqualTo(1.0 / old.numel()));
                Assert.That((old * kept).allclose(now, 0, 0), Is.True);
                if (sparsity is > 0 and < 1)
                    Assert.That(old.masked_select(kept).abs().min().item<float>(), Is.GreaterThanOrEqualTo(old.masked_select(kept.logical_not()).abs().max().item<float>()));
            });
        }
        Assert.That(MagnitudePruner.Sparsity(net, new HashSet<string> { "out" }), Is.EqualTo(sparsity).Within(1e-3));
    }

    [Test]
    public void GlobalPruningKeepsExactlyTheLargestOfAll()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = Dense(random);
        var weights = net.parameters().Where(p => p.dim() > 1).ToList();
        var magnitudes = weights.SelectMany(w => w.detach().abs().data<float>()).OrderDescending().ToList();
        MagnitudePruner.Global(net, 0.83);
        var kept = SparsityMask.Kept(magnitudes.Count, 0.83);
        Assert.That(weights.SelectMany(w => w.detach().abs().data<float>()).Where(m => m > 0).OrderDescending(), Is.EqualTo(magnitudes.Take((int)kept)));
        // Ties don't make it more or fewer.
        using var equal = Linear(10, 10);
        using (no_grad()) equal.weight!.fill_(1);
        MagnitudePruner.Global(equal, 0.5);
        Assert.That(equal.weight!.sum().item<float>(), Is.EqualTo(50));
    }

    [Test]
    public void PruningSparseLayersEqualsPruningDenseOnes()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var dense = Dense(random);
        MagnitudePruner.Uniform(dense, 0.5);
        using var sparse = SparseModelConverter.Convert(dense, [1, 3, 6, 6], minSparsity: 0.4, measure: false).Model;
        Assert.That(sparse.modules().OfType<SparseLayer>().Count(), Is.EqualTo(3));
        foreach (var isGlobal in new[] { false, true })
        {
            foreach (var net in new Module[] { dense, sparse })
                if (isGlobal) MagnitudePruner.Global(net, 0.9);
                else MagnitudePruner.Uniform(net, 0.8);
            foreach (var (a, b) in dense.modules().Where(m => m is TorchSharp.Modules.Linear or TorchSharp.Modules.Conv2d).Zip(sparse.modules().OfType<SparseLayer>()))
                Assert.That(b.DenseWeight().allclose(a is Linear l ? l.weight! : ((Conv2d)a).weight, 0, 0), Is.True);
        }
    }

    [Test]
    public void TheScheduleIsCubic()
    {
        var schedule = new PruningSchedule(0.9, Begin: 10, End: 110, Every: 10, Initial: 0.1);
        Assert.Multiple(() =>
        {
            Assert.That(schedule.At(0), Is.EqualTo(0.1).Within(1e-12));
            Assert.That(schedule.At(60), Is.EqualTo(0.9 - 0.8 / 8).Within(1e-12));
            Assert.That(schedule.At(500), Is.EqualTo(0.9));
            Assert.That(Enumerable.Range(0, 200).Where(t => schedule.IsDue(t)), Is.EqualTo(Enumerable.Range(1, 11).Select(i => 10 * i)));
            Assert.That(() => new GradualPruning(new PruningSchedule(0.9, 5, 5)), Throws.ArgumentException);
            Assert.That(() => new RigL(every: 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        });
    }

    // Two classes told apart by a few of the inputs.
    private static PairDataset Task(Generator random)
    {
        var x = randn([256, 12], generator: random);
        return new PairDataset(x, (x.narrow(1, 0, 3).sum(1) > 0).to(ScalarType.Int64));
    }

    private static Trainer Training(Module net, TrainerCallback[] callbacks, TrainerOptions? options = null) => new(net, options ?? new TrainerOptions { Epochs = 20, BatchSize = 32 })
    {
        Step = Steps.Supervised((p, t) => functional.cross_entropy(p, t)),
        Optimizer = p => new FusedSgd(p, 0.1, 0.9),
        Callbacks = callbacks,
    };

    [Test]
    public void GradualPruningReachesItsSparsityWhileTheLossFalls()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = new SparseProp(new SparsePropConfig { InFeatures = 12, HiddenFeatures = [40], OutFeatures = 2, Sparsity = 0.1 }, random);
        var data = Task(random);
        var trainer = Training(net, [new GradualPruning(new PruningSchedule(0.8, 20, 100, 10))]);
        var before = trainer.Evaluate(data)["loss"];
        trainer.Fit(data);
        var layer = net.modules().OfType<SparseLayer>().Single();
        Assert.Multiple(() =>
        {
            Assert.That(layer.NonZeroCount, Is.EqualTo(96));
            Assert.That(trainer.Evaluate(data)["loss"], Is.LessThan(before / 3));
        });
    }

    private sealed class AfterStep(Action<long> look) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report) => look(report.Step);
    }

    [Test]
    public void RigLStoresWhatHasTheLargestGradientsInsteadOfTheSmallestWeights()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = new SparseProp(new SparsePropConfig { InFeatures = 12, HiddenFeatures = [40], OutFeatures = 2, Sparsity = 0.9 }, random);
        var layer = net.modules().OfType<SparseLayer>().Single();
        var first = layer.StoredIndices().data<long>().ToHashSet();
        var changes = new List<int>();
        HashSet<long> expected = [];
        // Of 48 weights; 160 steps, the pattern stays after 120.
        long Dropped(long step) => (long)Math.Round(0.3 / 2 * (1 + Math.Cos(Math.PI * step / 120)) * 48);
        var before = new AfterStep(step =>
        {
            expected = [.. layer.StoredIndices().data<long>()];
            if (step == 0 || step % 20 != 0 || step >= 120) return;
            var gradient = layer.DenseGradient!.abs().data<float>().ToArray();
            var weights = layer.StoredWeight.detach().abs().data<float>().ToArray();
            var stays = expected.Order().Zip(weights).OrderByDescending(w => w.Second).Take(48 - (int)Dropped(step)).Select(w => w.First).ToHashSet();
            var grown = Enumerable.Range(0, 480).Select(i => (long)i).Where(i => !stays.Contains(i)).OrderByDescending(i => gradient[i]).Take((int)Dropped(step));
            expected = [.. stays, .. grown];
        });
        var after = new AfterStep(step =>
        {
            long[] now = [.. layer.StoredIndices().data<long>()];
            Assert.That(now, Is.EquivalentTo(expected), $"step {step}");
            changes.Add(now.Count(i => !first.Contains(i)));
        });
        Training(net, [before, new RigL(every: 20), after]).Fit(Task(random));
        Assert.Multiple(() =>
        {
            Assert.That(changes[^1], Is.GreaterThan(5), "the pattern stayed");
            Assert.That(layer.KeepsDenseGradient, Is.False);
        });
    }

    [Test]
    public void PrunedTrainingResumesWithTheSameBits()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        float[] Run(int firstEpochs)
        {
            using var random = SparseCases.Random();
            SparseProp? net = null;
            var directory = Path.Combine(folder.Path, $"{firstEpochs}");
            foreach (var (epochs, resume) in firstEpochs == 6 ? [(6, false)] : new[] { (firstEpochs, false), (6, true) })
            {
                using var fresh = SparseCases.Random(9);
                net = new SparseProp(new SparsePropConfig { InFeatures = 12, HiddenFeatures = [40], OutFeatures = 2, Sparsity = 0.1 }, fresh);
                using var data = SparseCases.Random(2);
                Training(net, [new GradualPruning(new PruningSchedule(0.8, 4, 40, 5))],
                    new TrainerOptions { Epochs = epochs, BatchSize = 32, Directory = directory, Resume = resume, Seed = 4 }).Fit(Task(data));
            }
            return [.. net!.parameters().SelectMany(p => p.detach().data<float>().ToArray())];
        }
        Assert.That(Run(3), Is.EqualTo(Run(6)));
    }

    [Test]
    public void OptimizersThatCannotFollowAreRefused()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = new SparseProp((SparsePropConfig)Sample.Config, random);
        var callback = new GradualPruning(new PruningSchedule(0.8, 1, 2));
        var trainer = new Trainer(net, new TrainerOptions { Epochs = 1 })
        { Step = Steps.Supervised((p, t) => functional.cross_entropy(p, t)), Optimizer = p => optim.SGD(p, 0.1), Callbacks = [callback] };
        Assert.That(() => trainer.Fit(Task(random)), Throws.InnerException.TypeOf<NotSupportedException>().Or.TypeOf<NotSupportedException>());
        Assert.That(() => Training(net, [callback], new TrainerOptions { AverageDecay = 0.9 }).Fit(Task(random)),
            Throws.InnerException.TypeOf<NotSupportedException>().Or.TypeOf<NotSupportedException>());
    }

    private sealed class Own : Module<Tensor, Tensor>
    {
        private readonly Linear fixedField;
        private readonly Module<Tensor, Tensor> open;
        private readonly Sequential body;

        public Own() : base(nameof(Own))
        {
            (fixedField, open, body) = (Linear(20, 20), Linear(20, 20), Sequential(("a", Linear(20, 20)), ("b", Conv2d(1, 1, 3, groups: 1, dilation: 2, padding: 2L))));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => body.call(open.call(fixedField.call(x)).unsqueeze(0)).squeeze(0);
    }

    [Test]
    public void ConversionReplacesWhatItCanAndSaysWhyNot()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = new Own();
        MagnitudePruner.Uniform(net, 0.9, skip: new HashSet<string> { "open" });
        using (no_grad()) net.named_modules().First(m => m.name == "open").module.parameters().First().mul_(rand(20, 20, generator: random).gt(0.5));
        using (no_grad()) net.named_modules().First(m => m.name == "body.b").module.parameters().First().zero_();
        var x = randn([4, 20], generator: random);
        var (before, keys) = (net.call(x), net.state_dict().Keys.Count);
        var conversion = SparseModelConverter.Convert(net, [4, 20], measure: false);
        var reports = conversion.Layers.ToDictionary(l => l.Name);
        Assert.Multiple(() =>
        {
            Assert.That(conversion.Model, Is.SameAs(net));
            Assert.That(reports["body.a"].IsSparse, Is.True);
            Assert.That(reports["fixedField"].IsSparse, Is.False);
            Assert.That(reports["fixedField"].Reason, Does.Contain("Module<Tensor, Tensor>"));
            Assert.That(reports["open"].Reason, Does.Contain("below 0.8"));
            Assert.That(reports["body.b"].Reason, Does.Contain("dilation"));
            Assert.That(net.named_parameters().Select(p => p.name), Contains.Item("body.a.W_val"));
            Assert.That(net.call(x).allclose(before, 1e-5, 1e-5), Is.True);
        });

        using (no_grad()) net.named_modules().First(m => m.name == "open").module.parameters().First().mul_(rand(20, 20, generator: random).gt(0.9));
        before = net.call(x);
        Assert.That(SparseModelConverter.Convert(net, [4, 20], measure: false, skip: new HashSet<string> { "fixedField" }).Layers.Where(l => l.IsSparse).Select(l => l.Name),
            Is.EqualTo(new[] { "open" }));
        Assert.That(net.named_parameters().Select(p => p.name), Contains.Item("open.W_val"));
        Assert.That(net.call(x).allclose(before, 1e-5, 1e-5), Is.True);
    }

    [Test]
    public void ConversionMeasuresBothForms()
    {
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var net = Sequential(("big", Linear(700, 600)), ("full", Linear(600, 30)));
        MagnitudePruner.Uniform(net, 0.99, skip: new HashSet<string> { "full" });
        net.zero_grad();
        net.call(randn([2, 700], generator: random)).sum().backward();
        var gradients = net.parameters().Select(p => p.grad!.clone()).ToList();
        var conversion = SparseModelConverter.Convert(net, [64, 700]);
        Assert.Multiple(() =>
        {
            Assert.That(conversion.Layers[0].DenseMilliseconds, Is.GreaterThan(0));
            Assert.That(conversion.Layers[0].IsSparse, Is.EqualTo(conversion.Layers[0].SparseMilliseconds < conversion.Layers[0].DenseMilliseconds));
            Assert.That(conversion.Layers[1].DenseMilliseconds, Is.Null);
            Assert.That(net.parameters().Zip(gradients).All(p => p.First.grad!.allclose(p.Second, 0, 0)), Is.True, "measuring left its gradients");
            Assert.That(conversion.Model.training, Is.True);
            Assert.That(() => SparseModelConverter.Convert(Dense(random), [2, 4, 6, 6]), Throws.ArgumentException.With.Message.Contains("(2, 4, 6, 6)"));
        });
    }

    [Test]
    public void SixteenBitInputsAreTakenAsFloat32()
    {
        using var scope = NewDisposeScope();
        using var layer = new SparseLinear(randn(3, 4));
        var x = randn(2, 4).to(ScalarType.BFloat16);
        Assert.That(layer.call(x).allclose(layer.call(x.to(ScalarType.Float32)), 0, 0), Is.True);
    }

    [Test]
    public void MemoryStaysFlatWhileTraining()
    {
        if (!LiveMemory.IsMeasurable) Assert.Ignore("this system's allocator doesn't tell what is in use");
        using var scope = NewDisposeScope();
        using var random = SparseCases.Random();
        using var linear = new SparseLinear(SparseCases.Weight(random, ScalarType.Float32, 0.9, 256, 256), zeros(256));
        using var conv = new SparseConv2d(SparseCases.Weight(random, ScalarType.Float32, 0.9, 16, 4, 3, 3), zeros(16), padding: 1);
        using var optimizer = new FusedSgd(linear.parameters().Concat(conv.parameters()), 1e-3, 0.9);
        var x = randn([32, 4, 4, 4], generator: random);
        void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var step = NewDisposeScope();
                linear.call(conv.call(x).flatten(1)).square().mean().backward();
                optimizer.step();
                optimizer.zero_grad();
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Steps(20);
        var before = LiveMemory.InUse;
        Steps(200);
        // One step's tensors are 600 KB: had any of them stayed, it would be many times this.
        Assert.That(LiveMemory.InUse - before, Is.LessThan(1 << 20));
    }
}
