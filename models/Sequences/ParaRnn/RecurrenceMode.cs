namespace TorchZoo.Models.Sequences;

/// <summary>How a recurrence h_t = f(h_{t−1}, x_t) is evaluated. All give the same result, up to rounding.</summary>
public enum RecurrenceMode
{
    /// <summary><see cref="Fused"/> where there is a kernel, else <see cref="Parallel"/>.</summary>
    Auto,

    /// <summary>Step by step in torch operations, recorded by autograd: slow, the reference.</summary>
    Sequential,

    /// <summary>All steps at once by Newton's method, see <see cref="ParallelRecurrenceSolver"/>.</summary>
    Parallel,

    /// <summary>One kernel that steps through time, another for the gradient.</summary>
    Fused,
}
