using System.Diagnostics;
using TorchSharp;
using TorchZoo.Distributed;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// What every training step needs, done in one place: the backward pass (scaled for accumulation and float16), the update (unscaling,
/// clipping, schedule, step, clearing of gradients) and the log. One object serves a whole run.
/// </summary>
public sealed class StepContext
{
    private readonly TrainerOptions _options;
    private readonly Schedule _schedule;
    private readonly Meters _meters;
    private readonly long[] _updates;
    private long _count, _groupSize;
    private double _weight = 1;
    private (Tensor? Tensor, double Value) _lastLoss;

    internal StepContext(nn.Module model, IReadOnlyList<optim.Optimizer> optimizers, Schedule schedule, TrainerOptions options, Meters meters)
    {
        (Model, Optimizers, _schedule, _options, _meters) = (model, optimizers, schedule, options, meters);
        _updates = new long[optimizers.Count];
        Scaler = options.Precision == Precision.Float16 && optimizers.Count > 0 ? new GradScaler() : null;
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

    /// <summary>The scaling of losses in float16; null in other precisions.</summary>
    public GradScaler? Scaler { get; }

    internal long[] Updates => _updates;

    /// <summary>Is called with an optimizer whose gradients are complete.</summary>
    internal Action<optim.Optimizer>? Updating { get; init; }

    /// <summary>The other ranks; null: there are none.</summary>
    internal DataParallel? Parallel { get; init; }

    /// <summary>Whether times are those of the device, which then stops between the parts of a step.</summary>
    internal bool IsTimed { get; init; }

    /// <summary>Stopwatch ticks of this batch's backward passes and updates.</summary>
    internal (long Backward, long Update) Ticks { get; private set; }

    /// <summary>The model's output for one input tensor; in float32 also where the model computes in 16 bits.</summary>
    /// <exception cref="InvalidOperationException">The model takes or gives something else: call it in a step of your own.</exception>
    public Tensor Predict(Tensor input) => Model is nn.IModule<Tensor, Tensor> module
        ? Autocast.ToFullPrecision(module.call(input))
        : throw new InvalidOperationException($"{Model.GetType().Name} is no module from one tensor to one tensor; give the trainer a step that calls it");

    /// <inheritdoc cref="Predict(Tensor)"/>
    /// <summary>The model's output for two input tensors; in float32 also where the model computes in 16 bits.</summary>
    public Tensor Predict(Tensor first, Tensor second) => Model is nn.IModule<Tensor, Tensor, Tensor> module
        ? Autocast.ToFullPrecision(module.call(first, second))
        : throw new InvalidOperationException($"{Model.GetType().Name} is no module from two tensors to one tensor; give the trainer a step that calls it");

    /// <summary>
    /// Adds the gradient of a loss (its mean over the batches that are accumulated, and over the ranks) to the parameters. A step may call
    /// it more than once. The loss is a mean over the batch's examples: where ranks share batches, each sees only its own.
    /// </summary>
    /// <exception cref="NonFiniteLossException">The loss is NaN or infinite. On a GPU it is noticed some steps later; in float16 only when
    /// scaling losses down didn't help.</exception>
    public void Backward(Tensor loss)
    {
        var start = Now();
        if (Device.type == DeviceType.CPU)
        {
            var value = Meters.Read(loss);
            if (!double.IsFinite(value) && Scaler is not { Factor: > 1 }) throw new NonFiniteLossException(value);
            _lastLoss = (loss, value);
        }
        Parallel?.BeginPass();
        using (FullPrecision())
        {
            var scaled = Scaler is null ? loss : Scaler.Scale(loss);
            if (_weight != 1) scaled = scaled * _weight;
            (_groupSize == 1 ? scaled : scaled / _groupSize).backward();
        }
        BackwardPass.ThrowIfFailed();
        Ticks = (Ticks.Backward + Now() - start, Ticks.Update);
    }

    /// <summary>Updates by all optimizers of the step.</summary>
    public void Update()
    {
        foreach (var optimizer in Optimizers) Update(optimizer);
    }

    /// <summary>Clips gradients, sets the learning rate, updates the weights and clears the gradients; while batches are accumulated, nothing.
    /// In float16 gradients that overflowed update nothing, and the schedule doesn't move on.</summary>
    /// <exception cref="ArgumentException">The optimizer is none of the step's.</exception>
    public void Update(optim.Optimizer optimizer)
    {
        var index = IndexOf(optimizer);
        if (!UpdateDue) return;
        var start = Now();
        using (FullPrecision())
        {
            Parallel?.Reduce(optimizer);
            Updating?.Invoke(optimizer);
            _schedule.Apply(optimizer, new ScheduleClock(_updates[index], TotalUpdates, UpdatesPerEpoch));
            if (OptimizerUpdate.Run(optimizer, Scaler, _options.ClipNorm, _options.LogGradientNorm, out var norm, () =>
                Parallel?.BeforeUpdate(optimizer)))
            {
                _updates[index]++;
                Parallel?.AfterUpdate(optimizer);
            }
            if (norm is not null) Log("gradient_norm", norm);
            optimizer.zero_grad();
        }
        Ticks = (Ticks.Backward, Ticks.Update + Now() - start);
    }

    /// <summary>An update by an optimizer that evaluates the loss as often as it needs (<see cref="Optimizers.Lbfgs"/>): sets the learning rate and
    /// steps. Nothing else of <see cref="Backward"/> and <see cref="Update(optim.Optimizer)"/> is needed.</summary>
    /// <param name="optimizer">One of the step's.</param>
    /// <param name="loss">Computes the loss, the same function of the weights each time.</param>
    /// <returns>The loss before.</returns>
    /// <exception cref="ArgumentException">The optimizer is none of the step's.</exception>
    /// <exception cref="NotSupportedException">Batches are accumulated, gradients clipped, losses scaled, or there are several ranks.</exception>
    /// <exception cref="NonFiniteLossException">The loss before is NaN or infinite.</exception>
    public Tensor Update(optim.Optimizer optimizer, Func<Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        var index = IndexOf(optimizer);
        if (_groupSize != 1 || !UpdateDue || Scaler is not null || _options.ClipNorm is not null || Parallel is not null)
            throw new NotSupportedException("an optimizer that evaluates the loss itself goes with no accumulation, clipping, float16 or further ranks");
        var start = Now();
        _schedule.Apply(optimizer, new ScheduleClock(_updates[index], TotalUpdates, UpdatesPerEpoch));
        var before = optimizer.step(() =>
        {
            optimizer.zero_grad();
            var value = loss();
            using (FullPrecision()) value.backward();
            BackwardPass.ThrowIfFailed();
            Updating?.Invoke(optimizer);
            return value;
        });
        var first = Meters.Read(before);
        if (!double.IsFinite(first)) throw new NonFiniteLossException(first);
        _lastLoss = (before, first);
        _updates[index]++;
        optimizer.zero_grad();
        Ticks = (Ticks.Backward, Ticks.Update + Now() - start);
        return before;
    }

    /// <summary>Adds a value to this epoch's mean of that name, weighted by the batch's number of examples.</summary>
    /// <param name="name">The metric, e.g. <c>loss</c>.</param>
    /// <param name="value">A scalar; it is read later, so that a GPU need not wait.</param>
    public void Log(string name, Tensor value)
    {
        if (ReferenceEquals(value, _lastLoss.Tensor)) Log(name, _lastLoss.Value); // read already
        else if (Scaler is not null) Log(name, Meters.Read(value));
        else _meters.Add(name, value, _count);
    }

    /// <inheritdoc cref="Log(string, Tensor)"/>
    public void Log(string name, double value)
    {
        // An overflow in float16 is no news of the model: the batch updates nothing.
        if (Scaler is null || double.IsFinite(value)) _meters.Add(name, value, _count);
    }

    /// <param name="own">Examples of the batch that are this rank's.</param>
    /// <param name="all">Examples of the batch.</param>
    /// <param name="groupSize">Batches that are accumulated.</param>
    /// <param name="updateDue">Whether this is the last of them.</param>
    internal void Begin(long own, long all, long groupSize, bool updateDue) =>
        (_count, _weight, _groupSize, UpdateDue, _lastLoss, Ticks) = (own, (double)own / all, groupSize, updateDue, default, default);

    /// <summary>After a batch's updates: the scale of losses moves.</summary>
    internal void End()
    {
        if (Scaler is null || !UpdateDue) return;
        Log("loss_scale", Scaler.Factor);
        Scaler.Update();
    }

    /// <summary>The time now, when the device has done its work if times are to be those of the device.</summary>
    internal long Now()
    {
        if (IsTimed && Device.type == DeviceType.CUDA) cuda.synchronize(Device);
        return Stopwatch.GetTimestamp();
    }

    // Casting is for forward passes: what was cast there is cast back by the backward pass itself.
    private IDisposable? FullPrecision() => Precisions.TypeOf(_options.Precision) is null ? null : Autocast.Disable(Device);

    private int IndexOf(optim.Optimizer optimizer)
    {
        for (var i = 0; i < Optimizers.Count; i++)
            if (ReferenceEquals(Optimizers[i], optimizer)) return i;
        throw new ArgumentException("this optimizer was not made by the step's CreateOptimizers", nameof(optimizer));
    }
}
