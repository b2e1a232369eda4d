using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Models.Spiking;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SlttTests
{
    private static SpikingCnn Network(double tau, ulong seed = 1)
    {
        random.manual_seed((long)seed);
        var network = new SpikingCnn(new SpikingCnnConfig
        {
            InSize = [8, 8],
            Channels = [6, 8],
            Pool = [2, 2],
            NumClasses = 4,
            BatchNorm = false,
            Neuron = new NeuronConfig { Tau = tau },
        });
        network.to(ScalarType.Float64);
        return network;
    }

    private static Tensor[] GradientsOf(SpikingTraining rule, SpikingCnn network, Tensor input, Tensor labels)
    {
        network.zero_grad();
        rule.Gradients(network, input, labels);
        return [.. network.parameters().Select(p => p.grad!.clone())];
    }

    private static double Distance(Tensor[] a, Tensor[] b) =>
        a.Zip(b).Max(p => ((p.First - p.Second).abs().max() / (1e-30 + p.Second.abs().max())).item<double>());

    // Shown in every step, or frames of its own for each.
    private static (Tensor Input, Tensor Labels) Data(bool frames, int steps)
    {
        using var generator = new Generator(3);
        long[] shape = frames ? [3, steps, 1, 8, 8] : [3, 1, 8, 8];
        return (rand(shape, ScalarType.Float64, generator: generator) * 2, tensor(new long[] { 2, 0, 3 }));
    }

    // Exact BPTT of two layers by its recursion; SLTT without its second term.
    [TestCase(true)]
    [TestCase(false)]
    public void GradientsAreThoseOfTheRecursion(bool bptt)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        const int Steps = 6;
        const double Leak = 0.5, Threshold = 1;
        Tensor[] weights = [randn([7, 5], ScalarType.Float64, generator: generator).requires_grad_(), randn([4, 7], ScalarType.Float64, generator: generator).requires_grad_()];
        var x = Enumerable.Range(0, Steps).Select(_ => randn([3, 5], ScalarType.Float64, generator: generator)).ToArray();
        var cotangents = Enumerable.Range(0, Steps).Select(_ => randn([3, 4], ScalarType.Float64, generator: generator)).ToArray();

        var temporal = bptt ? TemporalGradient.Full : TemporalGradient.Detached;
        using LeakyIntegrateAndFire one = new(2, temporal: temporal), two = new(2, temporal: temporal);
        var loss = Enumerable.Range(0, Steps).Select(t => (two.call(one.call(x[t].mm(weights[0].t())).mm(weights[1].t())) * cotangents[t]).sum())
            .Aggregate((a, b) => a + b);
        var ours = autograd.grad([loss], weights);

        // Forward, by the equations.
        using var off = no_grad();
        Tensor[][] potentials = [new Tensor[Steps], new Tensor[Steps]], spikes = [new Tensor[Steps], new Tensor[Steps]];
        for (var layer = 0; layer < 2; layer++)
            for (var t = 0; t < Steps; t++)
            {
                var current = (layer == 0 ? x[t] : spikes[0][t]).mm(weights[layer].t());
                var u = t == 0 ? current : Leak * (potentials[layer][t - 1] - Threshold * spikes[layer][t - 1]) + current;
                (potentials[layer][t], spikes[layer][t]) = (u, u.ge(Threshold).to(ScalarType.Float64));
            }
        // Backward: δ[t] = G[t] σ'[t] + λ δ[t+1] (1 − V σ'[t]).
        var fromAbove = cotangents;
        var expected = new Tensor[2];
        for (var layer = 1; layer >= 0; layer--)
        {
            var delta = new Tensor[Steps];
            for (var t = Steps - 1; t >= 0; t--)
            {
                var slope = (1 - (potentials[layer][t] - Threshold).abs()).clamp_min(0);
                delta[t] = fromAbove[t] * slope;
                if (bptt && t + 1 < Steps) delta[t] = delta[t] + Leak * delta[t + 1] * (1 - Threshold * slope);
            }
            expected[layer] = Enumerable.Range(0, Steps).Select(t => delta[t].t().mm(layer == 0 ? x[t] : spikes[0][t])).Aggregate((a, b) => a + b);
            fromAbove = [.. delta.Select(d => d.mm(weights[layer]))];
        }
        Assert.That(Distance([.. ours], expected), Is.LessThan(1e-12));
    }

    [TestCase(1, 2.0, TestName = "OneStepHasNoTime")]
    [TestCase(5, 1.0, TestName = "WithoutMemoryThereIsNoTime")]
    public void TheRulesAreTheSame(int steps, double tau)
    {
        using var scope = NewDisposeScope();
        using var network = Network(tau);
        var (input, labels) = Data(steps > 1, steps);
        var bptt = GradientsOf(new Bptt { TimeSteps = steps }, network, input, labels);
        Assert.That(Distance(GradientsOf(new Sltt { TimeSteps = steps }, network, input, labels), bptt), Is.LessThan(1e-13));
        Assert.That(Distance(GradientsOf(new SlttK(steps) { TimeSteps = steps }, network, input, labels), bptt), Is.LessThan(1e-13));
    }

    [Test]
    public void OneBackwardPassInTheEndGivesTheSame()
    {
        using var scope = NewDisposeScope();
        using var network = Network(2);
        var (input, labels) = Data(true, 5);
        var losses = new List<Tensor>();
        var rule = new Sltt();
        var expected = GradientsOf(rule, network, input, labels);
        network.zero_grad();
        rule.Gradients(network, input, labels, loss => losses.Add(loss.alias().DetachFromDisposeScope()));
        losses.Aggregate((a, b) => a + b).backward();
        losses.ForEach(l => l.Dispose());
        Assert.That(Distance([.. network.parameters().Select(p => p.grad!)], expected), Is.LessThan(1e-12));
    }

    [Test]
    public void ChosenStepsAreSlttOnAverage([Values] bool rescale)
    {
        using var scope = NewDisposeScope();
        using var network = Network(2);
        const int Steps = 5, K = 2;
        var (input, labels) = Data(true, Steps);
        var expected = GradientsOf(new Sltt(), network, input, labels);
        var sum = expected.Select(g => zeros_like(g)).ToArray();
        var count = 0;
        for (var a = 0; a < Steps; a++)
            for (var b = 0; b < a; b++, count++)
            {
                int[] chosen = [a, b];
                var gradients = GradientsOf(new SlttK(K) { Rescale = rescale, Choose = _ => chosen }, network, input, labels);
                for (var i = 0; i < sum.Length; i++) sum[i] += gradients[i];
            }
        var scale = (rescale ? 1 : (double)Steps / K) / count;
        Assert.That(Distance([.. sum.Select(g => g * scale)], expected), Is.LessThan(1e-12));
    }

    [Test]
    public void DrawnStepsAreAsManyAsAskedFor()
    {
        using var scope = NewDisposeScope();
        using var network = Network(1.1);
        var (input, labels) = Data(false, 0);
        var counts = new HashSet<int>();
        for (var i = 0; i < 5; i++)
        {
            var count = 0;
            new SlttK(3) { TimeSteps = 6 }.Gradients(network, input, labels, _ => count++);
            counts.Add(count);
        }
        Assert.That(counts, Is.EquivalentTo(new[] { 3 }));
        Assert.That(() => new SlttK(7) { TimeSteps = 6 }.Gradients(network, input, labels), Throws.ArgumentException);
        Assert.That(() => new SlttK(0), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new Sltt { TimeSteps = 0 }, Throws.InstanceOf<ArgumentException>());
    }

    [TestCase(1.1, 0.995)]
    [TestCase(2.0, 0.95)]
    public void GradientsPointToWhereThoseOfBpttDo(double tau, double least)
    {
        using var scope = NewDisposeScope();
        foreach (var steps in new[] { 4, 12 })
        {
            random.manual_seed(4);
            using var network = new SpikingCnn(new SpikingCnnConfig { InSize = [12, 12], Channels = [8, 8], Pool = [2, 2], Neuron = new NeuronConfig { Tau = tau } });
            Tensor input = randn(16, 1, 12, 12), labels = randint(0, 10, [16], ScalarType.Int64);
            Tensor a = Flat(new Sltt { TimeSteps = steps }), b = Flat(new Bptt { TimeSteps = steps });
            Assert.That((a.dot(b) / (a.norm() * b.norm())).item<float>(), Is.GreaterThan(least), $"T = {steps}");

            Tensor Flat(SpikingTraining rule) => cat([.. GradientsOf(rule, network, input, labels).Select(g => g.flatten())]);
        }
    }

    [Test]
    public void OutputsOfANetworkAreMeansOverTime()
    {
        using var scope = NewDisposeScope();
        using var network = Network(2);
        var (frames, _) = Data(true, 3);
        network.eval();
        SpikingModules.ResetState(network);
        var expected = Enumerable.Range(0, 3).Select(t => network.Step(frames.select(1, t))).Aggregate((a, b) => a + b);
        SpikingModules.ResetState(network);
        Assert.That((network.call(frames) * 3 - expected).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That((new Sltt().Predict(network, frames) - expected).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That(network.call(frames).Equals(network.call(frames)), "calls begin with fresh neurons");
        Assert.That(() => network.call(zeros(2, 3)), Throws.ArgumentException.With.Message.Contains("(2, 3)"));
    }

    // The trainer's loss scaling, accumulation and precision come with its context.
    [Test]
    public void TheTrainerTrainsByEachRule()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        Tensor inputs = rand(32, 1, 8, 8), labels = (inputs[TensorIndex.Colon, 0, 0, 0] > 0.5).to(ScalarType.Int64);
        inputs[TensorIndex.Colon, TensorIndex.Colon, 1..] = labels.view(-1, 1, 1, 1).to(ScalarType.Float32);
        var data = new PairDataset(inputs, labels);
        SpikingTraining[] rules = [new Sltt { TimeSteps = 3 }, new SlttK(1) { TimeSteps = 3, Rescale = true }, new Bptt { TimeSteps = 3 }, new Sltt { TimeSteps = 3, Coding = SpikingCoding.Rate }];
        foreach (var rule in rules)
            foreach (var precision in new[] { Precision.Float32, Precision.BFloat16 })
            {
                using var network = new SpikingCnn(new SpikingCnnConfig { InSize = [8, 8], Channels = [8], Pool = [2], NumClasses = 2 });
                var trainer = new Trainer(network, new TrainerOptions { Epochs = 12, BatchSize = 8, AccumulationSteps = 2, Precision = precision })
                {
                    Optimizer = p => new Optimizers.FusedAdam(p, 1e-2),
                    Step = rule,
                };
                trainer.Fit(data);
                Assert.That(trainer.Evaluate(data)["accuracy"], Is.GreaterThan(0.9), $"{rule.GetType().Name} {precision}");
            }
    }

    [Test]
    public void LossesAreTheirFormulas()
    {
        using var scope = NewDisposeScope();
        Tensor o = tensor(new double[,] { { 1, -2, 0.5 } }), y = tensor(new long[] { 2 });
        var entropy = Math.Log(Math.Exp(1) + Math.Exp(-2) + Math.Exp(0.5)) - 0.5;
        Assert.That(new SpikingLoss().Of(o, y).item<double>(), Is.EqualTo(0.95 * entropy + 0.05 * (0 + 9 + 0.25) / 3).Within(1e-14));
        Assert.That(new SpikingLoss { Target = MseTarget.OneHot, MseWeight = 0.5 }.Of(o, y).item<double>(),
            Is.EqualTo(0.5 * entropy + 0.5 * (1 + 4 + 0.25) / 3).Within(1e-14));
        Assert.That(new SpikingLoss { MseWeight = 0 }.Of(o, y).item<double>(), Is.EqualTo(entropy).Within(1e-14));
        Assert.That(() => new SpikingLoss { MseWeight = 1.1 }, Throws.InstanceOf<ArgumentException>());
    }
}
