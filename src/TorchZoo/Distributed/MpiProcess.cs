using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TorchZoo.Distributed;

/// <summary>
/// This process's use of MPI, from its beginning to an end that leaves nobody waiting. Calls are made one at a time, by whatever thread; a
/// thread of its own keeps non-blocking operations going.
/// </summary>
internal sealed unsafe partial class MpiProcess
{
    // MPI moves data only while it is called.
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(1);

    // How long a process that failed may still speak to its user, or wait for others that fail too.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(4);

    private readonly Launch _launch;
    private readonly List<MpiGroup.Pending> _pending = [];
    private readonly nint _farewell;
    private Timer? _end;
    private Thread? _progress;
    private int _failed, _aborted;

    private MpiProcess(MpiLibrary mpi, Launch launch)
    {
        (Mpi, _launch) = (mpi, launch);
        _farewell = Duplicate(mpi.World);
        AppDomain.CurrentDomain.UnhandledException += (_, e) =>
        {
            Report(e.ExceptionObject as Exception ?? new InvalidOperationException("an unknown exception"));
            Abort();
        };
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End(Environment.ExitCode);
    }

    public MpiLibrary Mpi { get; }

    /// <summary>Is held during each call of MPI.</summary>
    public object Gate { get; } = new();

    /// <summary>Starts MPI.</summary>
    /// <exception cref="NotSupportedException">It can't be called by several threads in turn.</exception>
    public static MpiProcess Start(MpiLibrary mpi, Launch launch)
    {
        int started, level;
        mpi.Check(mpi.Initialized(&started), "MPI_Initialized");
        if (started != 0) mpi.Check(mpi.QueryThread(&level), "MPI_Query_thread");
        else
        {
            // Open MPI would catch the signals by which .NET finds null references.
            if (OperatingSystem.IsLinux()) SetEnvironment("OMPI_MCA_opal_signal", "6", 0);
            mpi.Check(mpi.InitThread(0, 0, MpiLibrary.ThreadMultiple, &level), "MPI_Init_thread");
        }
        if (level < MpiLibrary.ThreadSerialized)
            throw new NotSupportedException($"{mpi.Path} can't be called by several threads in turn (MPI_THREAD_SERIALIZED)");
        return new MpiProcess(mpi, launch);
    }

    /// <summary>A communicator like another, whose errors are returned.</summary>
    public nint Duplicate(nint communicator)
    {
        nint copy = 0;
        lock (Gate)
        {
            Mpi.Check(Mpi.CommDup(communicator, &copy), "MPI_Comm_dup");
            Mpi.Check(Mpi.CommSetErrhandler(copy, Mpi.ErrorsReturn), "MPI_Comm_set_errhandler");
        }
        return copy;
    }

    /// <summary>Keeps an operation going until it is done.</summary>
    public void Progress(MpiGroup.Pending operation)
    {
        lock (Gate)
        {
            _pending.Add(operation);
            if (_progress is null)
            {
                _progress = new Thread(KeepGoing) { IsBackground = true, Name = "MPI progress" };
                _progress.Start();
            }
            else if (_pending.Count == 1) Monitor.Pulse(Gate);
        }
    }

    private void KeepGoing()
    {
        while (true)
        {
            lock (Gate)
            {
                _pending.RemoveAll(p => p.Test());
                if (_pending.Count == 0) Monitor.Wait(Gate);
            }
            Thread.Sleep(Nap);
        }
    }

    /// <summary>Says why this process failed; it ends the others when it ends itself, which it must do soon.</summary>
    public void Fail(Exception cause)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0) return;
        Report(cause);
        _end = new Timer(_ => Abort(), null, Grace, Timeout.InfiniteTimeSpan);
    }

    private void Report(Exception cause)
    {
        // libtorch's messages go on with its calls.
        Console.Error.WriteLine($"rank {_launch.Rank} of {_launch.Size} failed: {cause.GetType().Name}: {cause.Message.Split('\n')[0]}");
        Console.Error.Flush();
    }

    // A process that ended well waits for the others, which may still be at work; one that didn't, not for long.
    private void End(int code)
    {
        if (Volatile.Read(ref _failed) != 0) Abort();
        if (Volatile.Read(ref _aborted) != 0) return;
        int finalized;
        if (Mpi.Finalized(&finalized) != 0 || finalized != 0) return;
        if (AllMeet(code == 0 ? Timeout.InfiniteTimeSpan : Grace))
        {
            lock (Gate) _ = Mpi.Finalize();
            return;
        }
        Console.Error.WriteLine($"rank {_launch.Rank} of {_launch.Size} ended with exit code {code} while others were at work");
        Abort();
    }

    private bool AllMeet(TimeSpan patience)
    {
        nint request = 0;
        lock (Gate)
            if (Mpi.Ibarrier(_farewell, &request) != 0) return false;
        for (var clock = Stopwatch.StartNew(); patience < TimeSpan.Zero || clock.Elapsed < patience; Thread.Sleep(Nap))
        {
            int done;
            lock (Gate)
                if (Mpi.Test(&request, &done, Mpi.IgnoreStatus) != 0) return false;
            if (done != 0) return true;
        }
        return false;
    }

    // Without the gate: who holds it may wait for ever.
    private void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
        var code = Environment.ExitCode is > 0 and < 256 and var exit ? exit : 1;
        // If MPI can't, the launcher sees that a process is gone.
        _ = new Timer(_ => Process.GetCurrentProcess().Kill(), null, Grace, Timeout.InfiniteTimeSpan);
        _ = Mpi.Abort(Mpi.World, code);
    }

    // What .NET sets is not seen by native code.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
