using System.Numerics;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>A register full of series, neighbouring channels of one sample.</summary>
/// <param name="Batch">The sample.</param>
/// <param name="Channel">The first channel.</param>
/// <param name="Inputs">Where its first step's inputs of the first gate begin.</param>
/// <param name="Count">How many series, at most as many as a register holds.</param>
internal readonly record struct SeriesColumn(long Batch, long Channel, long Inputs, long Count);

/// <summary>
/// How the numbers of a recurrence with independent channels lie in memory, and how they are shared out. Inputs are (heads, batch, time, 3,
/// channels of a head), as the projection of all heads makes them; states are (batch, time, channels). A column is a register full of
/// series; a unit, some columns that are stepped through side by side, since each step's chain of operations is long and none of them waits
/// for another column. Neither depends on the number of threads.
/// </summary>
/// <param name="Batch">Samples.</param>
/// <param name="Steps">Steps.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Width">Channels of a head.</param>
/// <param name="Bits">Bits of a register.</param>
/// <param name="Lanes">Numbers in a register.</param>
internal readonly record struct SeriesLayout(long Batch, long Steps, long Heads, long Width, int Bits, int Lanes)
{
    /// <summary>Columns of a unit, at most.</summary>
    public const int Side = 8;

    // Steps below which a thread's start takes longer than its share.
    private const long WorthThread = 1 << 13;

    /// <summary>The layout of inputs (heads, batch, time, 3, channels of a head).</summary>
    public static SeriesLayout Of<T>(Tensor inputs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var shape = inputs.shape;
        var size = typeof(T) == typeof(float) ? 4 : 8;
        // The widest registers that a head's channels fill, so that none has idle lanes and the slow ways to load a part of one.
        var bits = TorchZoo.Kernels.Cpu.Lanes.Bits;
        for (var narrower = bits; narrower >= 128; narrower /= 2)
            if (shape[4] % (narrower / 8 / size) == 0)
            {
                bits = narrower;
                break;
            }
        return new(shape[1], shape[2], shape[0], shape[4], bits, bits / 8 / size);
    }

    /// <summary>Channels of all heads.</summary>
    public long Channels => Heads * Width;

    /// <summary>Whether all registers are full.</summary>
    public bool IsFull => Width % Lanes == 0;

    private long ColumnsOfHead => (Width + Lanes - 1) / Lanes;

    private long Columns => Batch * Heads * ColumnsOfHead;

    /// <summary>A column.</summary>
    public SeriesColumn this[long index]
    {
        get
        {
            long start = index % ColumnsOfHead * Lanes, head = index / ColumnsOfHead % Heads, sample = index / ColumnsOfHead / Heads;
            return new(sample, head * Width + start, (head * Batch + sample) * Steps * 3 * Width + start, Math.Min(Lanes, Width - start));
        }
    }

    /// <summary>Runs a unit of columns, first to before the last, for all units, on as many threads as it is worth.</summary>
    public void Run(Action<long, long> unit)
    {
        var columns = Columns;
        if (columns == 0 || Steps == 0) return;
        // A unit for each thread at least. What comes out doesn't depend on who is side by side.
        var threads = get_num_threads();
        var side = Math.Clamp((columns + threads - 1) / threads, 1, Side);
        var units = (columns + side - 1) / side;
        var workers = (int)Math.Clamp(Math.Min(units, columns * Steps / WorthThread), 1, threads);
        WorkerThreads.Run(workers, worker =>
        {
            for (var i = units * worker / workers; i < units * (worker + 1) / workers; i++) unit(i * side,
                Math.Min(columns, (i + 1) * side));
        });
    }

    /// <summary>Runs a kernel with this layout's registers.</summary>
    public void Dispatch<T, TKernel>(TKernel kernel)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TKernel : struct, ILanesKernel<T>
    {
        if (Bits == 512) kernel.Run<Lanes512<T>>();
        else if (Bits == 256) kernel.Run<Lanes256<T>>();
        else kernel.Run<Lanes128<T>>();
    }
}
