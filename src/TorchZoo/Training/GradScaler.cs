using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// Dynamic loss scaling for float16: the loss is multiplied so that small gradients don't vanish, and updates whose gradients overflowed are
/// left out. The scale is halved after an overflow and doubled after a long time without (Micikevicius et al. 2018, arXiv 1710.03740, section
/// 3.2; PyTorch's GradScaler).
/// </summary>
/// <example><code>
/// scaler.Scale(loss).backward();
/// scaler.Step(optimizer, maxNorm: 1);
/// scaler.Update();
/// optimizer.zero_grad();
/// </code></example>
public sealed class GradScaler
{
    private readonly double _growth, _backoff;
    private readonly int _interval;
    private int _tracker;
    private bool _stepped, _overflowed;

    /// <summary>Makes a scaler.</summary>
    /// <param name="initialScale">The first scale, &gt; 0.</param>
    /// <param name="growthFactor">What the scale is multiplied by after <paramref name="growthInterval"/> updates without overflow, &gt; 1.</param>
    /// <param name="backoffFactor">What it is multiplied by after an overflow, in (0, 1).</param>
    /// <param name="growthInterval">&gt; 0</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public GradScaler(double initialScale = 65536, double growthFactor = 2, double backoffFactor = 0.5, int growthInterval = 2000)
    {
        if (!(initialScale > 0) || !double.IsFinite(initialScale))
            throw new ArgumentOutOfRangeException(nameof(initialScale), initialScale, "must be positive");
        if (!(growthFactor > 1)) throw new ArgumentOutOfRangeException(nameof(growthFactor), growthFactor, "must be above 1");
        if (!(backoffFactor is > 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(backoffFactor), backoffFactor, "must be in (0, 1)");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(growthInterval);
        (Factor, _growth, _backoff, _interval) = (initialScale, growthFactor, backoffFactor, growthInterval);
    }

    /// <summary>What losses are multiplied by now.</summary>
    public double Factor { get; private set; }

    /// <summary>Updates that were left out because of an overflow.</summary>
    public long Skipped { get; private set; }

    /// <summary>A loss times <see cref="Factor"/>, in float32.</summary>
    public Tensor Scale(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        using var scope = NewDisposeScope();
        return (Autocast.ToFullPrecision(loss) * Factor).MoveToOuterDisposeScope();
    }

    /// <summary>Updates with the gradients divided by <see cref="Factor"/>, and clipped if asked for; or not at all if one of them is infinite
    /// or NaN. A <see cref="FusedOptimizer"/> does both in its own pass and leaves the gradients as they are.</summary>
    /// <param name="optimizer">An optimizer; there can be several.</param>
    /// <param name="maxNorm">Largest norm of its gradients, divided; null: not clipped.</param>
    /// <returns>Whether it updated.</returns>
    public bool Step(optim.Optimizer optimizer, double? maxNorm = null)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using var scope = NewDisposeScope();
        return OptimizerUpdate.Run(optimizer, this, maxNorm, measure: false, out _);
    }

    /// <summary>Adjusts the scale; to be called once after the step's updates.</summary>
    public void Update()
    {
        if (_overflowed) (Factor, _tracker) = (Factor * _backoff, 0);
        else if (_stepped && ++_tracker == _interval) (Factor, _tracker) = (Factor * _growth, 0);
        // Beyond float32 nothing would be left to compare.
        if (Factor > float.MaxValue) Factor /= _growth;
        (_stepped, _overflowed) = (false, false);
    }

    /// <summary>Notes how an update went.</summary>
    internal void Note(bool finite)
    {
        _stepped = true;
        if (finite) return;
        _overflowed = true;
        Skipped++;
    }

    /// <summary>In the layout of torch.amp's GradScaler, with the skipped updates.</summary>
    internal PyDict Save() => new()
    {
        ["scale"] = Factor,
        ["growth_factor"] = _growth,
        ["backoff_factor"] = _backoff,
        ["growth_interval"] = (long)_interval,
        ["_growth_tracker"] = (long)_tracker,
        ["skipped"] = Skipped,
    };

    /// <summary>Takes back what <see cref="Save"/> gave; factors and interval stay this scaler's own.</summary>
    internal void Load(PyDict state)
    {
        (Factor, _tracker) = (state.Get<double>("scale"), (int)state.Get<long>("_growth_tracker"));
        Skipped = state.TryGet<long>("skipped", out var skipped) ? skipped : 0;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"scale {Factor:G6}, {Skipped} skipped");
}
