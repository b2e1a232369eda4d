namespace TorchZoo.Kernels.Cuda;

/// <summary>How recurrences over time are shared out to the threads of a GPU: a recurrence for each channel of each sequence of a batch
/// (a series), each cut into chunks. As an argument it is <c>Plan</c> of <c>linear_recurrence.cuh</c>, for the kernels of papers
/// too.</summary>
/// <remarks>
/// <para>With one chunk, a thread steps through a series: data are read once, and T steps wait for each other. With several, the linear
/// recurrence of each chunk is first folded into one affine map, a block scans a series' maps, and then a thread walks each chunk: data are
/// read twice, by more threads, and fewer steps wait. So chunks are for few and long series.</para>
/// <para>By arithmetic, not yet by measurement: a thread that steps has some 16 loads under way, so that about 256 threads a multiprocessor
/// take all of the memory's bandwidth. Chunks cost 5 passes over memory in place of 3 and two more launches.
/// <see cref="For(CudaDevice, long, long, long)"/> therefore takes one chunk from 128 series a multiprocessor on, or below 256 steps; else
/// as many chunks as make 512 threads a multiprocessor, of 16 steps at least.</para>
/// <para>Results with and without chunks differ by rounding. A chunk's map is a product of many matrices, which must stay within the type's
/// range even where the states would.</para>
/// </remarks>
public readonly record struct CudaRecurrencePlan
{
    // Few series are spread over all multiprocessors rather than fill some.
    private const int ThreadsOfABlock = 64;
    private const int ThreadsOfAScan = 256;

    private const int EnoughSeriesPerMultiprocessor = 128;
    private const int ThreadsPerMultiprocessor = 512;
    private const int EnoughSteps = 256;
    private const int ShortestChunk = 16;
    // The steps that the kernels load at a time.
    private const int Tile = 8;

    /// <summary>A plan with chunks of one's own choice.</summary>
    /// <param name="batch">Sequences.</param>
    /// <param name="time">Steps of a sequence; may be 0.</param>
    /// <param name="channels">Series of a sequence.</param>
    /// <param name="chunk">Steps of a chunk, from 1; <paramref name="time"/> or more: one chunk.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative, or the chunk empty.</exception>
    public CudaRecurrencePlan(long batch, long time, long channels, long chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        ArgumentOutOfRangeException.ThrowIfNegative(time);
        ArgumentOutOfRangeException.ThrowIfNegative(channels);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        (Batch, Time, Channels, Chunk) = (batch, time, channels, chunk);
    }

    // The kernels know these four, in this order.

    /// <summary>Sequences.</summary>
    public long Batch { get; }

    /// <summary>Steps of a sequence.</summary>
    public long Time { get; }

    /// <summary>Series of a sequence.</summary>
    public long Channels { get; }

    /// <summary>Steps of a chunk; the last one of a series may have fewer.</summary>
    public long Chunk { get; }

    /// <summary>Chunks of a series, at least 1.</summary>
    public long Chunks => Time > Chunk ? (Time + Chunk - 1) / Chunk : 1;

    /// <summary>Recurrences.</summary>
    public long Series => Batch * Channels;

    /// <summary>Threads, one for each chunk of each series.</summary>
    public long Parts => Series * Chunks;

    /// <summary>The plan that should be fastest.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="time">Steps of a sequence.</param>
    /// <param name="channels">Series of a sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public static CudaRecurrencePlan For(CudaDevice device, long batch, long time, long channels)
    {
        ArgumentNullException.ThrowIfNull(device);
        return For(device.Multiprocessors, batch, time, channels);
    }

    /// <summary>The plan with a thread for each series.</summary>
    /// <inheritdoc cref="For(CudaDevice, long, long, long)"/>
    public static CudaRecurrencePlan StepByStep(long batch, long time, long channels) => new(batch, time, channels, Math.Max(time, 1));

    /// <summary>How many numbers of float32 (for float64: float64) the folded chunks need as workspace; none where there is one
    /// chunk.</summary>
    /// <param name="size">Numbers of a series' state.</param>
    public long FoldedNumbers(int size) => Chunks == 1 ? 0 : Parts * (size * size + size);

    /// <summary>Launches a kernel that walks the parts: <c>for (int64 i : grid_range(plan.parts()))</c>.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="arguments">Its arguments, the plan (<see cref="op_Implicit"/>) among them.</param>
    /// <exception cref="ArgumentException">As for <see cref="CudaKernel.Launch"/>.</exception>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public void Launch(CudaKernel kernel, CudaStream stream, params ReadOnlySpan<CudaArgument> arguments)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var blocks = Math.Min((Parts + ThreadsOfABlock - 1) / ThreadsOfABlock, int.MaxValue);
        kernel.Launch((int)blocks, ThreadsOfABlock, 0, stream, arguments);
    }

    /// <summary>Launches an instance of the kernel <c>carry</c>: afterwards the folded chunks hold the states at their ends.</summary>
    /// <param name="carry">The instance, <c>carry&lt;type,size&gt;</c>.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="initial">The states before the first step, (batch, size · channels), or null: 0.</param>
    /// <param name="folded">The folded chunks.</param>
    /// <exception cref="ArgumentException">There are more series than a grid has blocks, or as for
    /// <see cref="CudaKernel.Launch"/>.</exception>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public void LaunchCarry(CudaKernel carry, CudaStream stream, CudaArgument initial, CudaArgument folded)
    {
        ArgumentNullException.ThrowIfNull(carry);
        if (Series > int.MaxValue)
            throw new ArgumentException($"Expected one chunk for as many as {Series} series, got {Chunks}", nameof(folded));
        var threads = Math.Min((Chunks + 31) / 32 * 32, ThreadsOfAScan);
        carry.Launch((int)Series, (int)threads, 0, stream, initial, folded, this);
    }

    /// <summary>The kernels' <c>Plan</c>.</summary>
    public static implicit operator CudaArgument(CudaRecurrencePlan plan) => CudaArgument.Of(plan);

    internal static CudaRecurrencePlan For(int multiprocessors, long batch, long time, long channels)
    {
        var plan = StepByStep(batch, time, channels);
        var series = plan.Series;
        if (series == 0 || time < EnoughSteps || series >= (long)multiprocessors * EnoughSeriesPerMultiprocessor) return plan;
        var chunks = ((long)multiprocessors * ThreadsPerMultiprocessor + series - 1) / series;
        var steps = Math.Max((time + chunks - 1) / chunks, ShortestChunk);
        return new(batch, time, channels, (steps + Tile - 1) / Tile * Tile);
    }
}
