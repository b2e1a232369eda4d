using TorchZoo.Kernels;
using TorchZoo.Models.Spiking;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Benchmarks;

/// <summary>Spiking neurons and training steps of the network that the recipe trains.</summary>
internal static class SpikingBenchmarks
{
    private const int Batch = 128;

    [Benchmark("sltt/lif-step", "a chain of torch operations; forward and backward, 64×16×28², no gradient through time", "≥ 4")]
    public static Measurement LifStep(Stopwatches clock) => LifStep(clock, TemporalGradient.Detached);

    [Benchmark("sltt/lif-step-in-time", "a chain of torch operations; the same with the gradient through time")]
    public static Measurement LifStepInTime(Stopwatches clock) => LifStep(clock, TemporalGradient.Full);

    [Benchmark("sltt/train-step", "the same step with neurons in torch operations; SLTT, T = 4, batch 128", "≥ 1.3")]
    public static Measurement TrainStep(Stopwatches clock) => CompareSteps(clock);

    [Benchmark("sltt/train-step-onednn", "the same, with the convolutions of oneDNN, which TorchZoo switches off where its gradients are wrong", "≥ 1.3")]
    public static Measurement TrainStepByOneDnn(Stopwatches clock)
    {
        OneDnn.Use(true);
        try { return CompareSteps(clock); }
        finally { OneDnn.SwitchOffIfWrong(); }
    }

    private static Measurement CompareSteps(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var (x, y) = Data();
        var times = clock.Time(Step(() => new LeakyIntegrateAndFire(), new Sltt { TimeSteps = 4 }, x, y),
            Step(() => new EagerNeuron(), new Sltt { TimeSteps = 4 }, x, y));
        return Measurement.SpeedUp(times[0], times[1], null);
    }

    [Benchmark("sltt/k2-time-t16", "BPTT's step (share of its time); SLTT-2, T = 16, batch 128", "≤ 0.5")]
    public static Measurement TwoOfSixteen(Stopwatches clock) => AgainstBptt(clock, new SlttK(2) { TimeSteps = 16 });

    [Benchmark("sltt/time-t16", "BPTT's step (share of its time); SLTT, T = 16, batch 128", "≤ 1")]
    public static Measurement Sixteen(Stopwatches clock) => AgainstBptt(clock, new Sltt { TimeSteps = 16 });

    private static Measurement AgainstBptt(Stopwatches clock, SpikingTraining rule)
    {
        using var scope = NewDisposeScope();
        var (x, y) = Data();
        var times = clock.Time(Step(() => new LeakyIntegrateAndFire(), rule, x, y),
            Step(() => new LeakyIntegrateAndFire(), new Bptt { TimeSteps = rule.TimeSteps }, x, y));
        return Measurement.Share(times[0], times[1]);
    }

    private static Measurement LifStep(Stopwatches clock, TemporalGradient temporal)
    {
        using var scope = NewDisposeScope();
        long[] shape = [64, 16, 28, 28];
        Tensor x = randn(shape).requires_grad_(), v = rand(shape), bySpikes = randn(shape), byMembrane = randn(shape);
        var inTime = temporal == TemporalGradient.Full;
        v.requires_grad_(inTime);
        var dynamics = SpikingDynamics.Leaky(1.1);
        var times = clock.Time(() => Pass((x, v) => inTime ? SpikingUpdate.Apply(dynamics, x, v) : (SpikingUpdate.Advance(dynamics, x, v), v)),
            () => Pass(Chain));
        // Reads x, v, writes s, v and u; then reads u and the gradients, writes those of x (and v).
        var bytes = sizeof(float) * x.numel() * (inTime ? 5 + 5 : 5 + 3);
        return Measurement.SpeedUp(times[0], times[1], clock.AllThreads.Seconds(0, bytes));

        void Pass(Func<Tensor, Tensor, (Tensor Spikes, Tensor Membrane)> update)
        {
            using var step = NewDisposeScope();
            var (spikes, membrane) = update(x, v);
            if (inTime) autograd.backward([spikes, membrane], [bySpikes, byMembrane]);
            else spikes.backward([bySpikes]);
            (x.grad, v.grad) = (null, null);
        }
    }

    private static (Tensor Images, Tensor Labels) Data() => (randn(Batch, 1, 28, 28), randint(0, 10, [Batch], ScalarType.Int64));

    private static Action Step(Func<Module<Tensor, Tensor>> neuron, SpikingTraining rule, Tensor x, Tensor y)
    {
        var net = Sequential(Conv2d(1, 16, 3, padding: 1), BatchNorm2d(16), neuron(), AvgPool2d(2), Conv2d(16, 32, 3, padding: 1), BatchNorm2d(32),
            neuron(), AvgPool2d(2), Conv2d(32, 32, 3, padding: 1), BatchNorm2d(32), neuron(), AvgPool2d(3, 2), Flatten(), Linear(288, 10));
        return () =>
        {
            using var step = NewDisposeScope();
            rule.Gradients(net, x, y);
            net.zero_grad();
        };
    }

    // As libraries of spiking networks have it: the spike is a function with a gradient of its own, all else torch's operations. λ = 1/11.
    private static (Tensor Spikes, Tensor Membrane) Chain(Tensor x, Tensor? v)
    {
        var u = v is null ? x : v * (1 - 1 / 1.1) + x;
        var s = Spike.apply([u - 1])[0];
        return (s, u - s);
    }

    private sealed class Spike : autograd.MultiTensorFunction<Spike>
    {
        public override string Name => nameof(Spike);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var distance = (Tensor)vars[0];
            ctx.set_materialize_grads(false);
            ctx.save_for_backward([distance]);
            return [distance.ge(0).to(distance.dtype)];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            using var scope = NewDisposeScope();
            var gradient = byOutputs[0] * (1 - ctx.get_saved_variables()[0].abs()).clamp_min(0);
            // Held until libtorch has it.
            ctx.save_data(nameof(Spike), gradient.DetachFromDisposeScope());
            return [gradient];
        }
    }

    private sealed class EagerNeuron() : Module<Tensor, Tensor>(nameof(EagerNeuron)), ISpikingModule
    {
        private Tensor? _membrane;

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var (spikes, membrane) = Chain(input, _membrane);
            _membrane?.Dispose();
            _membrane = membrane.detach().DetachFromDisposeScope();
            return spikes.MoveToOuterDisposeScope();
        }

        public void ResetState()
        {
            _membrane?.Dispose();
            _membrane = null;
        }
    }
}
