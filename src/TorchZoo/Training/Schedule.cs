using static TorchSharp.torch.optim;

namespace TorchZoo.Training;

/// <summary>Where a run stands, as a schedule sees it.</summary>
/// <param name="Step">Updates made so far, 0 before the first.</param>
/// <param name="TotalSteps">Updates of the whole run.</param>
/// <param name="StepsPerEpoch">Updates in an epoch.</param>
public readonly record struct ScheduleClock(long Step, long TotalSteps, long StepsPerEpoch);

/// <summary>
/// Sets learning rates before each update. A schedule is a function of the clock, not of what it did before: it has no state to save.
/// </summary>
public abstract class Schedule
{
    /// <summary>Sets the learning rates (and, where the schedule says so, momenta) for the update that comes next.</summary>
    public abstract void Apply(Optimizer optimizer, ScheduleClock clock);
}

/// <summary>The usual schedules. Each multiplies the learning rate that the optimizer was made with.</summary>
public static class Schedules
{
    /// <summary>Always the same learning rate.</summary>
    public static Schedule Constant() => Factor(_ => 1);

    /// <summary>Any factor as a function of the clock.</summary>
    public static Schedule Factor(Func<ScheduleClock, double> factor) => new FactorSchedule(factor);

    /// <summary>Multiplies by γ after every so many epochs (torch.optim's StepLR).</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="everyEpochs"/> is not positive.</exception>
    public static Schedule Step(int everyEpochs, double gamma)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(everyEpochs);
        return Factor(c => Math.Pow(gamma, c.Step / Math.Max(1, c.StepsPerEpoch) / everyEpochs));
    }

    /// <summary>Half a cosine from 1 down to <paramref name="final"/> at the last update (Loshchilov and Hutter 2017, arXiv 1608.03983).</summary>
    public static Schedule Cosine(double final = 0) => Factor(c => Between(1, final, Progress(c.Step, c.TotalSteps)));

    /// <summary>
    /// One cycle (Smith and Topin 2018, arXiv 1708.07120; torch.optim's OneCycleLR): a cosine from 1/<paramref name="startDivisor"/> up to 1
    /// during <paramref name="warmUp"/> of the run, then a cosine down to 1/(startDivisor·<paramref name="finalDivisor"/>).
    /// </summary>
    /// <param name="warmUp">Share of the run that rises, in (0, 1).</param>
    /// <param name="startDivisor">How much smaller than its peak the learning rate starts.</param>
    /// <param name="finalDivisor">How much smaller than its start it ends.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static Schedule OneCycle(double warmUp = 0.3, double startDivisor = 25, double finalDivisor = 1e4)
    {
        if (!(warmUp is > 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(warmUp), warmUp, "must be in (0, 1)");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(startDivisor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(finalDivisor);
        return Factor(c =>
        {
            double peak = warmUp * c.TotalSteps - 1, last = c.TotalSteps - 1;
            return c.Step <= peak
                ? Between(1 / startDivisor, 1, c.Step / Math.Max(1, peak))
                : Between(1, 1 / (startDivisor * finalDivisor), Math.Clamp((c.Step - peak) / Math.Max(1, last - peak), 0, 1));
        });
    }

    /// <summary>Rises linearly over the first updates, then follows another schedule as if the run began there.</summary>
    /// <param name="steps">Updates of the rise.</param>
    /// <param name="then">What follows; null: constant.</param>
    public static Schedule WarmUp(int steps, Schedule? then = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        return new WarmUpSchedule(steps, then ?? Constant());
    }

    /// <summary>One of TorchSharp's schedulers, stepped once an update. It is made anew for the run's optimizer and, on resuming, stepped to
    /// where the run stands.</summary>
    public static Schedule Scheduler(Func<Optimizer, lr_scheduler.LRScheduler> scheduler) => new SchedulerSchedule(scheduler);

    private static double Progress(long step, long total) => total <= 1 ? 0 : Math.Clamp((double)step / (total - 1), 0, 1);

    private static double Between(double from, double to, double progress) => to + (from - to) * 0.5 * (1 + Math.Cos(Math.PI * progress));

    private sealed class FactorSchedule(Func<ScheduleClock, double> factor) : Schedule
    {
        public override void Apply(Optimizer optimizer, ScheduleClock clock)
        {
            var f = factor(clock);
            foreach (var group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate * f;
        }
    }

    private sealed class WarmUpSchedule(int steps, Schedule then) : Schedule
    {
        public override void Apply(Optimizer optimizer, ScheduleClock clock)
        {
            if (clock.Step >= steps)
            {
                then.Apply(optimizer, clock with { Step = clock.Step - steps, TotalSteps = Math.Max(0, clock.TotalSteps - steps) });
                return;
            }
            foreach (var group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate * (clock.Step + 1) / steps;
        }
    }

    private sealed class SchedulerSchedule(Func<Optimizer, lr_scheduler.LRScheduler> make) : Schedule
    {
        private lr_scheduler.LRScheduler? _scheduler;
        private Optimizer? _optimizer;
        private long _steps;

        public override void Apply(Optimizer optimizer, ScheduleClock clock)
        {
            if (_scheduler is null || _optimizer != optimizer || clock.Step < _steps)
            {
                foreach (var group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate;
                (_scheduler, _optimizer, _steps) = (make(optimizer), optimizer, 0);
            }
            for (; _steps < clock.Step; _steps++) _scheduler.step();
        }
    }
}
