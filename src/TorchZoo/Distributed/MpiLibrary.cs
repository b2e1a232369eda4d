using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// The functions of an MPI library. MPI fixes names and parameters but not what a handle (of a communicator, a type, an operation) is: in
/// Open MPI it is a pointer, that of a predefined one an exported symbol; in MPICH and its relatives (Intel MPI, MVAPICH, Cray MPICH) a
/// 32-bit number. Both pass as machine words: the callee looks at the lower half.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>The environment variable that names the library's file.</summary>
    public const string Variable = "TORCHZOO_MPI";

    public const int ThreadSerialized = 2, ThreadMultiple = 3;

    private const int LongestMessage = 8192;

    private static readonly string[] OpenMpi = OperatingSystem.IsMacOS()
        ? ["libmpi.40.dylib", "libmpi.dylib"] : ["libmpi.so.40", "libmpi.so"];

    private static readonly string[] Mpich = OperatingSystem.IsMacOS()
        ? ["libmpi.12.dylib", "libmpi.dylib"] : ["libmpich.so.12", "libmpi.so.12", "libmpi.so"];

    private readonly nint _library;
    private readonly bool _isOpenMpi;

    private MpiLibrary(nint library, string path)
    {
        (_library, Path) = (library, path);
        _isOpenMpi = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _);
        World = Handle("comm_world", 0x44000000);
        Byte = Handle("byte", 0x4c00010d);
        Float = Handle("float", 0x4c00040a);
        Double = Handle("double", 0x4c00080b);
        Int = Handle("int", 0x4c000405);
        LongLong = Handle("long_long_int", 0x4c000809);
        Max = Handle("op_max", 0x58000001);
        Min = Handle("op_min", 0x58000002);
        Sum = Handle("op_sum", 0x58000003);
        Product = Handle("op_prod", 0x58000004);
        ErrorsReturn = Handle("errors_return", 0x54000001);
        InPlace = _isOpenMpi ? 1 : -1;
        IgnoreStatus = _isOpenMpi ? 0 : 1;
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Function("MPI_Init_thread");
        Finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        Initialized = (delegate* unmanaged<int*, int>)Function("MPI_Initialized");
        Finalized = (delegate* unmanaged<int*, int>)Function("MPI_Finalized");
        QueryThread = (delegate* unmanaged<int*, int>)Function("MPI_Query_thread");
        CommRank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        CommSize = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        CommDup = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Comm_dup");
        CommFree = (delegate* unmanaged<nint*, int>)Function("MPI_Comm_free");
        CommSetErrhandler = (delegate* unmanaged<nint, nint, int>)Function("MPI_Comm_set_errhandler");
        ErrorString = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");
        Abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        Barrier = (delegate* unmanaged<nint, int>)Function("MPI_Barrier");
        Ibarrier = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Ibarrier");
        Bcast = (delegate* unmanaged<nint, int, nint, int, nint, int>)Function("MPI_Bcast");
        Allreduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, int>)Function("MPI_Allreduce");
        Iallreduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int>)Function("MPI_Iallreduce");
        Ialltoall = (delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int>)Function("MPI_Ialltoall");
        Allgather = (delegate* unmanaged<nint, int, nint, nint, int, nint, nint, int>)Function("MPI_Allgather");
        ReduceScatterBlock = (delegate* unmanaged<nint, nint, int, nint, nint, nint, int>)Function("MPI_Reduce_scatter_block");
        Wait = (delegate* unmanaged<nint*, nint, int>)Function("MPI_Wait");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Function("MPI_Test");
    }

    /// <summary>The file, or the name by which the system's loader found it.</summary>
    public string Path { get; }

    public nint World { get; }
    public nint Byte { get; }
    public nint Float { get; }
    public nint Double { get; }
    public nint Int { get; }
    public nint LongLong { get; }
    public nint Max { get; }
    public nint Min { get; }
    public nint Sum { get; }
    public nint Product { get; }
    public nint ErrorsReturn { get; }

    /// <summary>Says in place of the sending buffer that it is the receiving one.</summary>
    public nint InPlace { get; }

    /// <summary>Says in place of a status that nobody wants one.</summary>
    public nint IgnoreStatus { get; }

    // Parameters are those of the standard, in its order; handles and addresses are nint.
    public delegate* unmanaged<nint, nint, int, int*, int> InitThread { get; }
    public delegate* unmanaged<int> Finalize { get; }
    public delegate* unmanaged<int*, int> Initialized { get; }
    public delegate* unmanaged<int*, int> Finalized { get; }
    public delegate* unmanaged<int*, int> QueryThread { get; }
    public delegate* unmanaged<nint, int*, int> CommRank { get; }
    public delegate* unmanaged<nint, int*, int> CommSize { get; }
    public delegate* unmanaged<nint, nint*, int> CommDup { get; }
    public delegate* unmanaged<nint*, int> CommFree { get; }
    public delegate* unmanaged<nint, nint, int> CommSetErrhandler { get; }
    public delegate* unmanaged<int, byte*, int*, int> ErrorString { get; }
    public delegate* unmanaged<nint, int, int> Abort { get; }
    public delegate* unmanaged<nint, int> Barrier { get; }
    public delegate* unmanaged<nint, nint*, int> Ibarrier { get; }
    public delegate* unmanaged<nint, int, nint, int, nint, int> Bcast { get; }
    public delegate* unmanaged<nint, nint, int, nint, nint, nint, int> Allreduce { get; }
    public delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int> Iallreduce { get; }
    public delegate* unmanaged<nint, int, nint, nint, int, nint, nint, nint*, int> Ialltoall { get; }
    public delegate* unmanaged<nint, int, nint, nint, int, nint, nint, int> Allgather { get; }
    public delegate* unmanaged<nint, nint, int, nint, nint, nint, int> ReduceScatterBlock { get; }
    public delegate* unmanaged<nint*, nint, int> Wait { get; }
    public delegate* unmanaged<nint*, int*, nint, int> Test { get; }

    /// <summary>Loads the library that belongs to a launcher.</summary>
    /// <param name="isOpenMpi">Whether the launcher is Open MPI's.</param>
    /// <param name="path">The file, if somebody named it.</param>
    /// <exception cref="DllNotFoundException">It isn't there.</exception>
    public static MpiLibrary Load(bool isOpenMpi, string? path)
    {
        string[] candidates = !string.IsNullOrEmpty(path) ? [path] : isOpenMpi ? [.. OpenMpi, .. Mpich] : [.. Mpich, .. OpenMpi];
        foreach (var candidate in candidates)
            if (NativeLibrary.TryLoad(candidate, out var library)) return new MpiLibrary(library, candidate);
        throw new DllNotFoundException($"This process was launched together with others, but MPI's library was not found (tried: "
            + $"{string.Join(", ", candidates)}). Install Open MPI (Debian: openmpi-bin) or MPICH, or name the file in {Variable}.");
    }

    /// <summary>The handle of a type of numbers.</summary>
    public nint TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => Float,
        ScalarType.Float64 => Double,
        ScalarType.Int32 => Int,
        ScalarType.Int64 => LongLong,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The handle of an operation.</summary>
    public nint OpOf(ReduceOp op) => op switch
    {
        ReduceOp.Sum => Sum,
        ReduceOp.Product => Product,
        ReduceOp.Min => Min,
        ReduceOp.Max => Max,
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, null),
    };

    /// <exception cref="MpiException">The function returned an error.</exception>
    public void Check(int code, string function)
    {
        if (code == 0) return;
        var message = stackalloc byte[LongestMessage];
        int length;
        throw new MpiException(function, code,
            ErrorString(code, message, &length) == 0 ? Encoding.UTF8.GetString(message, length) : $"error {code}");
    }

    private nint Handle(string name, int number) => _isOpenMpi ? NativeLibrary.GetExport(_library, $"ompi_mpi_{name}") : number;

    private nint Function(string name) => NativeLibrary.GetExport(_library, name);
}
