using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

public class PrecisionTests
{
    [Test]
    public void AutocastCastsProductsAndKeepsNormsAndLosses([Values(ScalarType.BFloat16, ScalarType.Float16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var linear = nn.Linear(8, 4);
        using var norm = nn.LayerNorm(4);
        var x = randn(3, 8);
        Assert.That(Autocast.TypeOn(CPU), Is.Null);
        using (Autocast.Enable(CPU, type))
        {
            Assert.That(Autocast.TypeOn(CPU), Is.EqualTo(type));
            var y = linear.call(x);
            Assert.Multiple(() =>
            {
                Assert.That(y.dtype, Is.EqualTo(type));
                Assert.That(nn.functional.mse_loss(y, zeros_like(y)).dtype, Is.EqualTo(ScalarType.Float32));
                // Sums in 16 bits would end at 256 and 2048.
                Assert.That(zeros(1, 8192, dtype: type).softmax(-1).to(ScalarType.Float32).allclose(full([1, 8192], 1f / 8192)), Is.True);
                using var wide = nn.LayerNorm(8192);
                Assert.That(wide.call(ones(1, 8192, dtype: type)).abs().max().to(ScalarType.Float32).item<float>(), Is.Zero);
                Assert.That(norm.call(y).isfinite().all().item<bool>(), Is.True);
            });
            using (Autocast.Disable(CPU)) Assert.That(linear.call(x).dtype, Is.EqualTo(ScalarType.Float32));
            Assert.That(linear.call(x).dtype, Is.EqualTo(type));
        }
        Assert.That(linear.call(x).dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(() => Autocast.Enable(CPU, ScalarType.Float32), Throws.ArgumentException);
    }

    // It holds for a thread: another one's evaluation isn't touched.
    [Test]
    public void AutocastIsOfOneThread()
    {
        using var on = Autocast.Enable(CPU, ScalarType.BFloat16);
        ScalarType? elsewhere = ScalarType.Int8;
        var thread = new Thread(() => elsewhere = Autocast.TypeOn(CPU));
        thread.Start();
        thread.Join();
        Assert.That(elsewhere, Is.Null);
    }

    [Test]
    public void SixteenBitsReachTheLossOfFloat32([Values(Precision.BFloat16, Precision.Float16)] Precision precision)
    {
        using var scope = NewDisposeScope();
        double full = Train(Precision.Float32), half = Train(precision);
        Assert.Multiple(() =>
        {
            Assert.That(full, Is.LessThan(0.03), "the problem is learnt");
            // bfloat16 has 8 bits: predictions of size 1 are right to 0.004, their squares' mean to far less than this.
            Assert.That(half, Is.EqualTo(full).Within(0.01));
        });

        static double Train(Precision precision)
        {
            using var net = Regression.Net();
            var trainer = new Trainer(net, new TrainerOptions { Epochs = 150, BatchSize = 16, Precision = precision })
            {
                Optimizer = p => new FusedAdam(p, 1e-2),
                Step = Steps.Supervised(Regression.MeanSquare),
            };
            trainer.Fit(Regression.Data());
            Assert.That(net.parameters().All(p => p.dtype == ScalarType.Float32), Is.True, "master weights");
            // What was learnt, whatever it was learnt in.
            return new Trainer(net, new TrainerOptions { BatchSize = 64 }) { Step = Steps.Supervised(Regression.MeanSquare) }
                .Evaluate(Regression.Data())["loss"];
        }
    }

    [Test]
    public void AnOverflowSkipsTheUpdateAndHalvesTheScale([Values] bool fused)
    {
        using var scope = NewDisposeScope();
        using var net = Regression.Net();
        using optim.Optimizer optimizer = fused ? new FusedSgd(net.parameters(), 0.1) : optim.SGD(net.parameters(), 0.1);
        var before = net.parameters().Select(p => p.detach().clone()).ToList();
        var scaler = new GradScaler(initialScale: 1024, growthInterval: 2);

        Assert.That(Step(double.PositiveInfinity), Is.False);
        Assert.Multiple(() =>
        {
            Assert.That(net.parameters().Zip(before).All(p => p.First.allclose(p.Second, 0, 0)), Is.True);
            Assert.That(scaler.Factor, Is.EqualTo(512));
            Assert.That(scaler.Skipped, Is.EqualTo(1));
        });
        Assert.That(Step(1), Is.True);
        Assert.That(scaler.Factor, Is.EqualTo(512));
        Assert.That(Step(1), Is.True);
        Assert.That(scaler.Factor, Is.EqualTo(1024), "it grows after two in a row");

        bool Step(double factor)
        {
            optimizer.zero_grad();
            var data = Regression.Data();
            scaler.Scale(factor * Regression.MeanSquare(net.call(data.Inputs), data.Targets)).backward();
            var done = scaler.Step(optimizer);
            scaler.Update();
            return done;
        }
    }

    [Test]
    public void ScaledUpdatesAreTheUnscaled([Values] bool fused, [Values(null, 0.05)] double? clip)
    {
        using var scope = NewDisposeScope();
        var nets = new[] { Regression.Net(), Regression.Net() };
        var data = Regression.Data();
        foreach (var (net, scaler) in nets.Zip(new GradScaler?[] { null, new(4096) }))
        {
            using optim.Optimizer optimizer = fused ? new FusedSgd(net.parameters(), 0.1, 0.9) : optim.SGD(net.parameters(), 0.1, 0.9);
            for (var i = 0; i < 5; i++)
            {
                optimizer.zero_grad();
                var loss = Regression.MeanSquare(net.call(data.Inputs), data.Targets);
                (scaler?.Scale(loss) ?? loss).backward();
                OptimizerUpdate.Run(optimizer, scaler, clip, measure: false, out _);
            }
        }
        Assert.That(Regression.Distance(nets[0], nets[1]), Is.LessThan(1e-6));
    }

    // Losses far beyond float16: the first updates overflow until the scale has come down, and training goes on.
    [Test]
    public void ARunShowsWhatItSkipped()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var net = Regression.Net();
        var data = Regression.Data();
        var trainer = new Trainer(net, new TrainerOptions { Epochs = 10, BatchSize = 16, Precision = Precision.Float16, Directory = folder.Path })
        {
            Optimizer = p => new FusedAdam(p, 1e-2),
            Step = new LargeOutputs(),
        };
        var result = trainer.Fit(data);
        Assert.Multiple(() =>
        {
            Assert.That(result.SkippedUpdates, Is.InRange(1, 20));
            Assert.That(result.History[^1].Training["loss"], Is.LessThan(result.History[0].Training["loss"]));
            Assert.That(result.History[^1].Training["loss_scale"], Is.LessThan(65536));
        });

        // The scale is part of the run's state.
        var again = new Trainer(Regression.Net(), new TrainerOptions
        {
            Epochs = 11,
            BatchSize = 16,
            Precision = Precision.Float16,
            Directory = folder.Path,
            Resume = true,
        })
        { Optimizer = p => new FusedAdam(p, 1e-2), Step = new LargeOutputs() }.Fit(data);
        Assert.That(again.SkippedUpdates, Is.EqualTo(result.SkippedUpdates));
    }

    [Test]
    public void ALossThatIsNotFiniteStopsTrainingInFloat16Too()
    {
        using var scope = NewDisposeScope();
        using var net = Regression.Net();
        var trainer = new Trainer(net, new TrainerOptions { Epochs = 100, BatchSize = 16, Precision = Precision.Float16 })
        {
            Step = Steps.Supervised((p, y) => (p - y).square().mean() * double.NaN),
        };
        Assert.That(() => trainer.Fit(Regression.Data()), Throws.TypeOf<TrainingException>().With.InnerException.TypeOf<NonFiniteLossException>());
    }

    [Test]
    public void BadNumbersAreRefused() => Assert.Multiple(() =>
    {
        Assert.That(() => new GradScaler(0), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new GradScaler(growthFactor: 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new GradScaler(backoffFactor: 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new GradScaler(growthInterval: 0), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new Trainer(nn.Linear(1, 1), new TrainerOptions { Precision = (Precision)7 }) { Step = new LargeOutputs() },
            Throws.InstanceOf<ArgumentException>());
    });

    private sealed class LargeOutputs : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            // Its gradient by the prediction is about 20 N: times 65536 it doesn't fit float16.
            var loss = 10 * Regression.MeanSquare(context.Predict(batch.Input), batch.Target + 3);
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }
    }
}
