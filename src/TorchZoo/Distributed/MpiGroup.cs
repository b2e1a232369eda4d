using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>Processes that MPI connects.</summary>
internal sealed unsafe class MpiGroup : ProcessGroup
{
    // Counts are 32-bit numbers in MPI.
    private const int LongestPiece = 1 << 30;

    // Libraries take as much memory again for a reduction, each time anew; above 32 MB it comes fresh from the system, and to touch its pages for
    // the first time takes longer than to reduce.
    private const int LongestSum = 1 << 20;

    private readonly MpiProcess _process;
    private readonly MpiLibrary _mpi;
    private nint _communicator;
    private NcclCommunicator? _nccl;
    private bool _soughtNccl;

    private MpiGroup(MpiProcess process, nint communicator, Launch launch)
    {
        (_process, _mpi, _communicator, Launch) = (process, process.Mpi, communicator, launch);
        int rank, size;
        Check(_mpi.CommRank(communicator, &rank), "MPI_Comm_rank");
        Check(_mpi.CommSize(communicator, &size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
    }

    private Launch Launch { get; }

    public override int Rank { get; }

    public override int Size { get; }

    public override int LocalRank => Launch.LocalRank;

    public override int LocalSize => Launch.LocalSize > 0 ? Launch.LocalSize : 1;

    /// <summary>Starts MPI.</summary>
    /// <param name="launch">What the launcher said.</param>
    /// <param name="path">MPI's library, if somebody named it.</param>
    /// <exception cref="DllNotFoundException">There is none.</exception>
    public static ProcessGroup OpenWorld(Launch launch, string? path)
    {
        var process = MpiProcess.Start(MpiLibrary.Load(launch.IsOpenMpi, path), launch);
        var world = new MpiGroup(process, process.Duplicate(process.Mpi.World), launch);
        // Else each process would take itself for the only one, and all would write the same files.
        if (world.Size != launch.Size)
            throw new DllNotFoundException($"the launcher started {launch.Size} processes, but {process.Mpi.Path} sees {world.Size}: it "
                + $"belongs to another MPI. Name the launcher's own library in {MpiLibrary.Variable}.");
        return world;
    }

    public override ProcessGroup Duplicate() => new MpiGroup(_process, _process.Duplicate(_communicator), Launch);

    public override void Barrier()
    {
        lock (_process.Gate) Check(_mpi.Barrier(_communicator), "MPI_Barrier");
    }

    public override void Fail(Exception cause)
    {
        base.Fail(cause);
        _process.Fail(cause);
    }

    private protected override void Broadcast(nint memory, long bytes, int root)
    {
        lock (_process.Gate)
            foreach (var (start, count) in Pieces(bytes, LongestPiece)) Check(_mpi.Bcast(memory + (nint)start, count, _mpi.Byte, root, _communicator),
                "MPI_Bcast");
    }

    private protected override void AllReduce(nint memory, long count, ScalarType type, ReduceOp op)
    {
        var size = Checkpoints.TensorMemory.ElementSize(type);
        lock (_process.Gate)
            foreach (var (start, length) in Pieces(count, LongestSum))
                Check(_mpi.Allreduce(_mpi.InPlace, memory + (nint)(start * size), length, _mpi.TypeOf(type), _mpi.OpOf(op),
                    _communicator), "MPI_Allreduce");
    }

    private protected override bool TryAllReduceOnDevice(Tensor tensor, long count, ScalarType type, ReduceOp op)
    {
        if (tensor.device_type != TorchSharp.DeviceType.CUDA || !tensor.is_contiguous()) return false;
        if (!_soughtNccl) _nccl = NcclCommunicator.Connect(this, tensor);
        _soughtNccl = true;
        _nccl?.AllReduce(tensor, count, type, op);
        return _nccl is not null;
    }

    private protected override PendingOperation BeginAllReduce(HostMemory memory, long count, ScalarType type, ReduceOp op)
    {
        var pending = new Pending(_process, memory);
        var size = Checkpoints.TensorMemory.ElementSize(type);
        foreach (var (start, length) in Pieces(count, LongestPiece))
            pending.Add(request => _mpi.Iallreduce(_mpi.InPlace, memory.Address + (nint)(start * size), length, _mpi.TypeOf(type),
                _mpi.OpOf(op),
                _communicator, request));
        _process.Progress(pending);
        return pending;
    }

    private protected override PendingOperation BeginExchange(HostMemory from, HostMemory to, long bytes)
    {
        var pending = new Pending(_process, to, from);
        pending.Add(request => _mpi.Ialltoall(from.Address, (int)bytes, _mpi.Byte, to.Address, (int)bytes, _mpi.Byte, _communicator,
            request));
        _process.Progress(pending);
        return pending;
    }

    private protected override void AllGather(nint from, nint to, long bytes)
    {
        if (bytes > LongestPiece) throw new NotSupportedException($"at most {LongestPiece} bytes of each process can be gathered at once, not {bytes}");
        lock (_process.Gate) Check(_mpi.Allgather(from, (int)bytes, _mpi.Byte, to, (int)bytes, _mpi.Byte, _communicator), "MPI_Allgather");
    }

    private protected override void ReduceScatter(nint from, nint to, long count, ScalarType type, ReduceOp op)
    {
        if (count > LongestPiece) throw new NotSupportedException($"at most {LongestPiece} numbers a process can be scattered at once, not {count}");
        lock (_process.Gate)
            Check(_mpi.ReduceScatterBlock(from, to, (int)count, _mpi.TypeOf(type), _mpi.OpOf(op), _communicator),
                "MPI_Reduce_scatter_block");
    }

    private static IEnumerable<(long Start, int Count)> Pieces(long count, int longest)
    {
        for (var start = 0L; start < count; start += longest) yield return (start, (int)Math.Min(longest, count - start));
    }

    private void Check(int code, string function) => _mpi.Check(code, function);

    protected override void Dispose(bool disposing)
    {
        // Communicators end with the process: to free one, all processes would have to be here.
        _communicator = 0;
    }

    /// <summary>Non-blocking operations on one tensor.</summary>
    internal sealed class Pending(MpiProcess process, HostMemory memory, HostMemory? source = null) : PendingOperation
    {
        private readonly List<nint> _requests = [];
        private MpiException? _failure;
        private bool _finished;

        public delegate int Starter(nint* request);

        public override bool IsDone
        {
            get
            {
                lock (process.Gate) return _requests.Count == 0;
            }
        }

        public void Add(Starter start)
        {
            var request = (nint*)NativeMemory.AllocZeroed((nuint)sizeof(nint));
            lock (process.Gate)
            {
                process.Mpi.Check(start(request), "a non-blocking operation");
                _requests.Add((nint)request);
            }
        }

        /// <summary>Lets MPI work on it; the gate must be held. Returns whether it is done.</summary>
        public bool Test()
        {
            for (var i = _requests.Count - 1; i >= 0; i--)
            {
                int done;
                var code = process.Mpi.Test((nint*)_requests[i], &done, process.Mpi.IgnoreStatus);
                if (code != 0 || done != 0) End(i, code, "MPI_Test");
            }
            return _requests.Count == 0;
        }

        public override void Wait()
        {
            lock (process.Gate)
            {
                for (var i = _requests.Count - 1; i >= 0; i--)
                    End(i, process.Mpi.Wait((nint*)_requests[i], process.Mpi.IgnoreStatus), "MPI_Wait");
                if (_finished) return;
                _finished = true;
                if (_failure is null) memory.WriteBack();
                memory.Dispose();
                source?.Dispose();
            }
            if (_failure is not null) throw _failure;
        }

        private void End(int index, int code, string function)
        {
            NativeMemory.Free((void*)_requests[index]);
            _requests.RemoveAt(index);
            try { process.Mpi.Check(code, function); }
            catch (MpiException e) { _failure ??= e; }
        }
    }
}
