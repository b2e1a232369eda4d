using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// Runs a solver over a batch in pieces. On a CPU small pieces are faster than large ones: their temporaries stay in the cache, and in the
/// allocator's hands rather than going back to the system after every operation. On a GPU the pieces are large enough to fill it.
/// </summary>
internal static class BatchedSolver
{
    private const long CpuBytes = 1L << 20;
    private const long GpuBytes = 256L << 20;

    /// <param name="batch">Cases.</param>
    /// <param name="bytesPerCase">The largest temporary of one case.</param>
    /// <param name="device">Where the work is done.</param>
    /// <param name="solve">Solves the cases from a first one on, a number of them; it reports its own share done, 0 to 1.</param>
    /// <param name="progress">Told the share of all.</param>
    /// <param name="cancellation">Checked between pieces.</param>
    public static void Run(long batch, long bytesPerCase, Device device, Action<long, long, Action<double>> solve, Action<double>? progress,
        CancellationToken cancellation)
    {
        NativeHeap.KeepFreedMemory();
        var chunk = Math.Max(1, (device.type == DeviceType.CPU ? CpuBytes : GpuBytes) / Math.Max(1, bytesPerCase));
        for (long first = 0; first < batch; first += chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var (from, count) = (first, Math.Min(chunk, batch - first));
            solve(from, count, share => progress?.Invoke((from + share * count) / batch));
        }
        progress?.Invoke(1);
    }

    /// <summary>Real numbers, on which a solver computes in float64.</summary>
    /// <exception cref="ArgumentException">They aren't, or there are too few axes, or too few points along one of them.</exception>
    public static void CheckField(Tensor field, int dim, long least, string name)
    {
        ArgumentNullException.ThrowIfNull(field, name);
        if (!field.is_floating_point()) throw new ArgumentException($"Expected real floating-point numbers, got {field.dtype}.", name);
        if (field.dim() < dim) throw new ArgumentException($"Expected at least {dim} axes, got ({string.Join(", ", field.shape)}).", name);
        if (field.shape.TakeLast(dim).Any(s => s < least))
            throw new ArgumentException($"Expected at least {least} points along each of the last {dim} axes, got "
                + $"({string.Join(", ", field.shape)}).", name);
    }

    /// <summary>A finite number above zero (or at least zero).</summary>
    public static void CheckNumber(double value, string name, bool zero = false)
    {
        if (!double.IsFinite(value) || value < 0 || (value == 0 && !zero))
            throw new ArgumentOutOfRangeException(name, value, zero ? "Expected a finite number ≥ 0." : "Expected a finite number > 0.");
    }

    /// <summary>How many equal steps of at most a given size fill an interval.</summary>
    public static long Steps(double interval, double step) => Math.Max(1, (long)Math.Ceiling(interval / step * (1 - 1e-12)));
}
