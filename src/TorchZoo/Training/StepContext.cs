using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// What every training step needs, done in one place: the backward pass (scaled for accumulation), the update (clipping, schedule, step,
/// clearing of gradients) and the log. One object serves a whole run.
/// </summary>
public sealed class StepContext
{
    private readonly TrainerOptions _options;
    private readonly Schedule _schedule;
    private readonly Meters _meters;
    private readonly long[] _updates;
    private long _count, _groupSize;
    private (Tensor? Tensor, double Value) _lastLoss;

    internal StepContext(nn.Module model, IReadOnlyList<optim.Optimizer> optimizers, Schedule schedule, TrainerOptions options, Meters meters)
    {
        (Model, Optimizers, _schedule, _options, _meters) = (model, optimizers, schedule, options, meters);
        _updates = new long[optimizers.Count];
    }

    /// <summary>The trainer's model.</summary>
    public nn.Module Model { get; }

    /// <summary>The step's optimizers.</summary>
    public IReadOnlyList<optim.Optimizer> Optimizers { get; }

    /// <summary>Where the model and the batches are.</summary>
    public Device Device => _options.Device;

    /// <summary>Number of this training batch, counted from 0 over the whole run.</summary>
    public long Step { get; internal set; }

    /// <summary>Number of this epoch, counted from 0.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Updates that the whole run makes if it isn't stopped.</summary>
    public long TotalUpdates { get; internal set; }

    /// <summary>Updates in an epoch.</summary>
    public long UpdatesPerEpoch { get; internal set; }

    /// <summary>Whether this batch ends an accumulation group: only then <see cref="Update(optim.Optimizer)"/> changes weights.</summary>
    public bool UpdateDue { get; private set; }

    internal long[] Updates => _updates;

    /// <summary>The model's output for one input tensor.</summary>
    /// <exception cref="InvalidOperationException">The model takes or gives something else: call it in a step of your own.</exception>
    public Tensor Predict(Tensor input) => Model is nn.IModule<Tensor, Tensor> module
        ? module.call(input)
        : throw new InvalidOperationException($"{Model.GetType().Name} is no module from one tensor to one tensor; give the trainer a step that calls it");

    /// <summary>The model's output for two input tensors.</summary>
    /// <exception cref="InvalidOperationException">The model takes or gives something else: call it in a step of your own.</exception>
    public Tensor Predict(Tensor first, Tensor second) => Model is nn.IModule<Tensor, Tensor, Tensor> module
        ? module.call(first, second)
        : throw new InvalidOperationException($"{Model.GetType().Name} is no module from two tensors to one tensor; give the trainer a step that calls it");

    /// <summary>
    /// Adds the gradient of a loss (its mean over the batches that are accumulated) to the parameters. A step may call it more than once.
    /// </summary>
    /// <exception cref="NonFiniteLossException">The loss is NaN or infinite. On a GPU it is noticed some steps later.</exception>
    public void Backward(Tensor loss)
    {
        if (Device.type == DeviceType.CPU)
        {
            var value = Meters.Read(loss);
            if (!double.IsFinite(value)) throw new NonFiniteLossException(value);
            _lastLoss = (loss, value);
        }
        if (_groupSize == 1) loss.backward();
        else (loss / _groupSize).backward();
    }

    /// <summary>Updates by all optimizers of the step.</summary>
    public void Update()
    {
        foreach (var optimizer in Optimizers) Update(optimizer);
    }

    /// <summary>Clips gradients, sets the learning rate, updates the weights and clears the gradients; while batches are accumulated, nothing.</summary>
    /// <exception cref="ArgumentException">The optimizer is none of the step's.</exception>
    public void Update(optim.Optimizer optimizer)
    {
        var index = IndexOf(optimizer);
        if (!UpdateDue) return;
        if (_options.ClipNorm is { } norm) Log("gradient_norm", nn.utils.clip_grad_norm_(optimizer.parameters(), norm));
        _schedule.Apply(optimizer, new ScheduleClock(_updates[index], TotalUpdates, UpdatesPerEpoch));
        optimizer.step();
        optimizer.zero_grad();
        _updates[index]++;
    }

    /// <summary>Adds a value to this epoch's mean of that name, weighted by the batch's number of examples.</summary>
    /// <param name="name">The metric, e.g. <c>loss</c>.</param>
    /// <param name="value">A scalar; it is read later, so that a GPU need not wait.</param>
    public void Log(string name, Tensor value)
    {
        if (ReferenceEquals(value, _lastLoss.Tensor)) _meters.Add(name, _lastLoss.Value, _count); // read already
        else _meters.Add(name, value, _count);
    }

    /// <inheritdoc cref="Log(string, Tensor)"/>
    public void Log(string name, double value) => _meters.Add(name, value, _count);

    internal void Begin(long examples, long groupSize, bool updateDue) =>
        (_count, _groupSize, UpdateDue, _lastLoss) = (examples, groupSize, updateDue, default);

    private int IndexOf(optim.Optimizer optimizer)
    {
        for (var i = 0; i < Optimizers.Count; i++)
            if (ReferenceEquals(Optimizers[i], optimizer)) return i;
        throw new ArgumentException("this optimizer was not made by the step's CreateOptimizers", nameof(optimizer));
    }
}
