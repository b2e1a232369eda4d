using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Work on several threads: those of libtorch's own OpenMP pool where it has one. Between its operations these wait actively, each for some
/// milliseconds on a core of its own; threads of .NET's pool would share the cores with them and take twice the time.
/// </summary>
public static unsafe class WorkerThreads
{
    // GNU's entry into a parallel region: function, its argument, threads, flags.
    private static readonly delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void> Fork =
        (delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void>)TorchExports.Find("GOMP_parallel");

    // Who of how many a thread is, in a region.
    private static readonly delegate* unmanaged<int> Number = (delegate* unmanaged<int>)TorchExports.Find("omp_get_thread_num"),
        Team = (delegate* unmanaged<int>)TorchExports.Find("omp_get_num_threads");

    /// <summary>Whether the work goes to libtorch's threads.</summary>
    public static bool AreOfLibtorch => Fork != null && Number != null && Team != null;

    /// <summary>How many threads some work is worth: none costs more than it does, and there are no more than libtorch uses.</summary>
    /// <param name="work">The work, in any unit.</param>
    /// <param name="perThread">Below this a thread's start takes longer than its share.</param>
    /// <returns>At least 1.</returns>
    public static int Worth(long work, long perThread) => (int)Math.Clamp(work / perThread, 1, TorchSharp.torch.get_num_threads());

    /// <summary>Cuts items into contiguous shares of the same size, and does these side by side.</summary>
    /// <param name="workers">How many shares, and at most how many threads.</param>
    /// <param name="items">How many items.</param>
    /// <param name="range">Does those from the first number to before the second.</param>
    public static void Run(int workers, long items, Action<long, long> range) =>
        Run(workers, worker => range(items * worker / workers, items * (worker + 1) / workers));

    /// <summary>
    /// Does each share, side by side. A share of the same number goes to the same of libtorch's threads each time, the first to the caller: so
    /// what one call wrote is in the cache of the core that reads it in the next one, if both are cut alike.
    /// </summary>
    /// <param name="workers">How many shares, and at most how many threads.</param>
    /// <param name="share">Does the share of this number; the first exception comes out, when all are done.</param>
    public static void Run(int workers, Action<int> share)
    {
        if (workers == 1)
        {
            share(0);
            return;
        }
        var call = new Call(workers, share);
        if (AreOfLibtorch)
        {
            var handle = GCHandle.Alloc(call);
            try { Fork(&Enter, GCHandle.ToIntPtr(handle), (uint)workers, 0); }
            finally { handle.Free(); }
        }
        else Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, call.Do);
        call.Failure?.Throw();
    }

    // A region may get fewer threads than it asked for.
    [UnmanagedCallersOnly]
    private static void Enter(nint handle)
    {
        var call = (Call)GCHandle.FromIntPtr(handle).Target!;
        var team = Team();
        for (var worker = Number(); worker < call.Workers; worker += team) call.Do(worker);
    }

    private sealed class Call(int workers, Action<int> share)
    {
        private ExceptionDispatchInfo? _failure;

        public int Workers => workers;

        public ExceptionDispatchInfo? Failure => _failure;

        // No exception may leave: there is nobody above to catch it.
        public void Do(int worker)
        {
            try { share(worker); }
            catch (Exception e) { Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null); }
        }
    }
}
