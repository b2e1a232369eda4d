using TorchZoo.Data;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// Trains networks of spiking neurons to classify: by their outputs in each time step, whose losses are averaged. Which gradients go where,
/// and when, is the rule's: <see cref="Bptt"/>, <see cref="Sltt"/>, <see cref="SlttK"/>. Inputs are images (batch, channels, height, width)
/// or frames (batch, time, …); targets the classes' numbers.
/// </summary>
public abstract class SpikingTraining : TrainingStep<Pairs>
{
    private readonly int _timeSteps = 6;

    private protected SpikingTraining() { }

    /// <summary>T, the time steps that an image is shown for; frames bring their own number.</summary>
    /// <exception cref="ArgumentException">Below 1.</exception>
    public int TimeSteps
    {
        get => _timeSteps;
        init => _timeSteps = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "expected at least one time step");
    }

    /// <summary>The loss of a time step.</summary>
    public SpikingLoss Loss { get; init; } = new();

    /// <summary>How images become frames.</summary>
    public SpikingCoding Coding { get; init; }

    /// <summary>Whether gradients go back in time.</summary>
    protected abstract TemporalGradient Temporal { get; }

    /// <summary>Adds the rule's gradient of one batch to the parameters of a network, without a trainer.</summary>
    /// <param name="network">A <see cref="SpikingNetwork"/>, or any module whose call is a time step.</param>
    /// <param name="input">(batch, channels, height, width), or frames (batch, time, …).</param>
    /// <param name="labels">int64 (batch)</param>
    /// <param name="backward">What is done with each loss; null: its backward pass.</param>
    /// <returns>The sum of the outputs over time (batch, classes), and the loss, both without a graph.</returns>
    /// <exception cref="ArgumentException">The input has no frames, or the rule asks for more of them.</exception>
    public (Tensor Total, Tensor Loss) Gradients(nn.Module network, Tensor input, Tensor labels, Action<Tensor>? backward = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        Begin(network);
        try
        {
            var result = Run(network, new Frames(input, TimeSteps, Coding), labels, backward ?? (loss => loss.backward()));
            return (result.Total.MoveToOuterDisposeScope(), result.Loss.MoveToOuterDisposeScope());
        }
        // The last step's potentials would keep its graph, and the memory.
        finally { SpikingModules.ResetState(network); }
    }

    /// <summary>The sum of the outputs over time, whose largest one is the prediction.</summary>
    /// <inheritdoc cref="Gradients"/>
    /// <returns>(batch, classes)</returns>
    public Tensor Predict(nn.Module network, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(input);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        SpikingModules.ResetState(network);
        var frames = new Frames(input, TimeSteps, Coding);
        Tensor? total = null;
        for (var t = 0; t < frames.Count; t++) Add(ref total, StepOf(network, frames, t));
        SpikingModules.ResetState(network);
        return total!.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected sealed override void Run(Pairs batch, StepContext context)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(context);
        var (total, loss) = Gradients(context.Model, batch.Input, batch.Target, context.Backward);
        context.Update();
        context.Log("loss", loss);
        context.Log("accuracy", Accuracy(total, batch.Target));
    }

    /// <inheritdoc/>
    protected sealed override void Evaluate(Pairs batch, StepContext context)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(context);
        var total = Predict(context.Model, batch.Input);
        context.Log("loss", nn.functional.cross_entropy(total / new Frames(batch.Input, TimeSteps, Coding).Count, batch.Target));
        context.Log("accuracy", Accuracy(total, batch.Target));
    }

    /// <summary>The rule.</summary>
    private protected abstract (Tensor Total, Tensor Loss) Run(nn.Module network, Frames frames, Tensor labels, Action<Tensor> backward);

    /// <summary>A backward pass right after each time step that learns, whose graph ends there.</summary>
    private protected (Tensor Total, Tensor Loss) StepByStep(nn.Module network, Frames frames, Tensor labels, Func<int, bool> learns,
        double weight, Action<Tensor> backward)
    {
        Tensor? total = null, sum = null;
        for (var t = 0; t < frames.Count; t++)
        {
            var (output, loss) = One(t);
            Add(ref total, output);
            output.Dispose();
            if (loss is null) continue;
            Add(ref sum, loss);
            loss.Dispose();
        }
        return (total!, sum!);

        (Tensor Output, Tensor? Loss) One(int t)
        {
            using var step = NewDisposeScope();
            using var recording = set_grad_enabled(learns(t));
            var output = StepOf(network, frames, t);
            Tensor? loss = null;
            if (learns(t))
            {
                loss = Loss.Of(output, labels) * weight;
                backward(loss);
            }
            return (output.detach().MoveToOuterDisposeScope(), loss?.detach().MoveToOuterDisposeScope());
        }
    }

    /// <summary>Outputs of a time step, in float32 also where the network computes in 16 bits.</summary>
    private protected static Tensor StepOf(nn.Module network, Frames frames, int t) => Autocast.ToFullPrecision(network switch
    {
        SpikingNetwork spiking => spiking.Step(frames[t]),
        nn.IModule<Tensor, Tensor> module => module.call(frames[t]),
        _ => throw new ArgumentException($"{network.GetType().Name} is no module from one tensor to one tensor", nameof(network)),
    });

    /// <summary>Adds, without a graph, to a sum in the scope that is open.</summary>
    private protected static void Add(ref Tensor? total, Tensor term)
    {
        using var detached = term.detach();
        if (total is null) total = detached.clone();
        else total.add_(detached);
    }

    private static Tensor Accuracy(Tensor total, Tensor labels) => total.argmax(1).eq(labels).to(ScalarType.Float32).mean();

    private void Begin(nn.Module network)
    {
        SpikingModules.ResetState(network);
        SpikingModules.SetTemporalGradient(network, Temporal);
    }

    /// <summary>The frames of time steps.</summary>
    private protected readonly struct Frames
    {
        private readonly Tensor _input;
        private readonly bool _inTime;
        private readonly SpikingCoding _coding;

        public Frames(Tensor input, int timeSteps, SpikingCoding coding)
        {
            _inTime = input.dim() == 5;
            (_input, _coding) = (input, coding);
            Count = _inTime ? (int)input.shape[1] : timeSteps;
            if (Count == 0) throw new ArgumentException("expected at least one frame, got none", nameof(input));
        }

        public int Count { get; }

        public Tensor this[int t] => _inTime ? _input.select(1, t)
            : _coding == SpikingCoding.Rate ? rand_like(_input).lt(_input).to(_input.dtype) : _input;
    }
}
