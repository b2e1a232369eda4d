using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// Processes that train together, each with the same program and its own share of the data. Collective operations are called by all of
/// them, in the same order, with tensors of the same type and size; tensors may be on any device and of any layout.
/// </summary>
/// <example><code>
/// var group = ProcessGroup.World;           // under mpirun -n 4: this process and three others
/// var sum = torch.ones(3) * group.Rank;
/// group.AllReduce(sum);                     // [6, 6, 6] everywhere
/// </code></example>
public abstract class ProcessGroup : IDisposable
{
    private static readonly Lazy<ProcessGroup> LazyWorld = new(() => Open(Environment.GetEnvironmentVariable));

    /// <summary>All processes that were launched together by <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c>; this one alone if none was, and
    /// then nothing is loaded. The environment variable <c>TORCHZOO_MPI</c> names MPI's library where it isn't found.</summary>
    /// <exception cref="DllNotFoundException">It was launched with others, but no MPI library was found.</exception>
    public static ProcessGroup World => LazyWorld.Value;

    /// <summary>The environment variables by which launchers tell a process of the others. A program that a rank starts without being one
    /// of the ranks must not inherit them.</summary>
    public static IReadOnlyList<string> LaunchVariables => Launch.Variables;

    /// <summary>A group of this process alone.</summary>
    public static ProcessGroup Single { get; } = new SingleProcess();

    /// <summary>Number of this process, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public abstract int Size { get; }

    /// <summary>Number of this process among those of the same machine: the GPU that it takes.</summary>
    public abstract int LocalRank { get; }

    /// <summary>How many processes there are on this machine; at least 1.</summary>
    public abstract int LocalSize { get; }

    /// <summary>Whether this is the process that prints and writes files: that of rank 0.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>Gives all processes the tensor of one of them, in place.</summary>
    /// <param name="tensor">Of any type.</param>
    /// <param name="root">The rank whose tensor it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such rank.</exception>
    public void Broadcast(Tensor tensor, int root = 0)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (root < 0 || root >= Size) throw new ArgumentOutOfRangeException(nameof(root), root, $"expected a rank of 0 to {Size - 1}");
        if (Size == 1 || tensor.numel() == 0) return;
        using var memory = HostMemory.Of(tensor);
        Broadcast(memory.Address, memory.Bytes, root);
        if (Rank != root) memory.WriteBack();
    }

    /// <summary>Reduces the tensors of all processes to one, which all of them get, in place. 16-bit numbers are added in
    /// float32.</summary>
    /// <param name="tensor">float64, float32, float16, bfloat16, int32, int64; of complex numbers only the sum.</param>
    /// <param name="op">How.</param>
    /// <exception cref="ArgumentException">Tensors of this type can't be reduced so.</exception>
    public void AllReduce(Tensor tensor, ReduceOp op = ReduceOp.Sum)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var number = Reducible.Of(tensor, op);
        if (Size == 1 || tensor.numel() == 0) return;
        if (number.Widened is { } wide)
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            var full = tensor.detach().to(wide);
            AllReduce(full, op);
            tensor.detach().copy_(full);
            return;
        }
        if (TryAllReduceOnDevice(tensor, tensor.numel() * number.Parts, number.Type, op)) return;
        using var memory = HostMemory.Of(tensor);
        AllReduce(memory.Address, memory.Elements * number.Parts, number.Type, op);
        memory.WriteBack();
    }

    /// <summary>Begins <see cref="AllReduce(Tensor, ReduceOp)"/>; it goes on in the background.</summary>
    /// <inheritdoc cref="AllReduce(Tensor, ReduceOp)"/>
    public PendingOperation AllReduceAsync(Tensor tensor, ReduceOp op = ReduceOp.Sum)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var number = Reducible.Of(tensor, op);
        if (Size == 1 || tensor.numel() == 0) return PendingOperation.Done;
        if (number.Widened is { } wide)
        {
            using var off = no_grad();
            using var scope = NewDisposeScope();
            var full = tensor.detach().to(wide).DetachFromDisposeScope();
            return BeginAllReduce(HostMemory.Of(full, tensor), full.numel(), Reducible.Of(full, op).Type, op);
        }
        if (TryAllReduceOnDevice(tensor, tensor.numel() * number.Parts, number.Type, op)) return PendingOperation.Done;
        var memory = HostMemory.Of(tensor);
        return BeginAllReduce(memory, memory.Elements * number.Parts, number.Type, op);
    }

    /// <summary>Adds up small numbers in place.</summary>
    public unsafe void AllReduce(Span<double> values, ReduceOp op = ReduceOp.Sum)
    {
        if (Size == 1 || values.IsEmpty) return;
        fixed (double* first = values) AllReduce((nint)first, values.Length, ScalarType.Float64, op);
    }

    /// <summary>Whether something is true on any process; the same answer on all.</summary>
    public bool Any(bool condition)
    {
        Span<double> flag = [condition ? 1 : 0];
        AllReduce(flag, ReduceOp.Max);
        return flag[0] > 0;
    }

    /// <summary>The tensors of all processes, one after the other.</summary>
    /// <param name="tensor">Of any type; of the same shape everywhere.</param>
    /// <returns>(<see cref="Size"/>, …), on the tensor's device.</returns>
    public Tensor AllGather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var all = empty([Size, .. tensor.shape], tensor.dtype);
        if (tensor.numel() > 0)
        {
            using var memory = HostMemory.Of(tensor);
            AllGather(memory.Address, Checkpoints.TensorMemory.Address(all), memory.Bytes);
        }
        return all.to(tensor.device).MoveToOuterDisposeScope();
    }

    /// <summary>The byte strings of all processes, in the order of ranks; their lengths may differ.</summary>
    public unsafe byte[][] AllGather(ReadOnlySpan<byte> bytes)
    {
        var lengths = new double[Size];
        lengths[Rank] = bytes.Length;
        AllReduce(lengths);
        var longest = (int)lengths.Max();
        var mine = new byte[longest];
        bytes.CopyTo(mine);
        var all = new byte[Math.Max(1, (long)Size * longest)];
        if (longest > 0)
            fixed (byte* from = mine, to = all) AllGather((nint)from, (nint)to, longest);
        return [.. Enumerable.Range(0, Size).Select(r => all.AsSpan(r * longest, (int)lengths[r]).ToArray())];
    }

    /// <summary>Reduces the tensors of all processes; each gets its share of the result.</summary>
    /// <param name="tensor">(n · <see cref="Size"/>, …), of a type that <see cref="AllReduce(Tensor, ReduceOp)"/> takes.</param>
    /// <param name="op">How.</param>
    /// <returns>(n, …): of rank r the rows from n·r on.</returns>
    /// <exception cref="ArgumentException">The first axis can't be shared out, or tensors of this type can't be reduced so.</exception>
    public Tensor ReduceScatter(Tensor tensor, ReduceOp op = ReduceOp.Sum)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.dim() == 0 || tensor.shape[0] % Size != 0)
            throw new ArgumentException($"expected a first axis that {Size} ranks can share out, got ({string.Join(", ", tensor.shape)})",
                nameof(tensor));
        var number = Reducible.Of(tensor, op);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (number.Widened is { } wide) return ReduceScatter(tensor.detach().to(wide), op).to(tensor.dtype).MoveToOuterDisposeScope();
        var share = empty([tensor.shape[0] / Size, .. tensor.shape[1..]], tensor.dtype);
        if (share.numel() > 0)
        {
            using var memory = HostMemory.Of(tensor);
            ReduceScatter(memory.Address, Checkpoints.TensorMemory.Address(share), share.numel() * number.Parts, number.Type, op);
        }
        return share.to(tensor.device).MoveToOuterDisposeScope();
    }

    /// <summary>Begins to send row r of a matrix to rank r, for each r.</summary>
    /// <param name="rows">(<see cref="Size"/>, n), contiguous, on the CPU.</param>
    /// <param name="received">Alike; row r comes from rank r.</param>
    internal PendingOperation ExchangeAsync(Tensor rows, Tensor received)
    {
        var to = HostMemory.Of(received);
        return BeginExchange(HostMemory.Of(rows), to, to.Bytes / Size);
    }

    /// <summary>Waits until all processes are here.</summary>
    public abstract void Barrier();

    /// <summary>The same processes, with operations that are told apart from this group's: each may be called in an order of its
    /// own.</summary>
    public abstract ProcessGroup Duplicate();

    /// <summary>Says on standard error that this process failed, and why, and ends those of all ranks: at once when this one ends, or after
    /// some seconds in which it may still tell its user more. Without others it does nothing.</summary>
    public virtual void Fail(Exception cause) => ArgumentNullException.ThrowIfNull(cause);

    /// <summary>Gives memory to all processes.</summary>
    private protected abstract void Broadcast(nint memory, long bytes, int root);

    /// <summary>Reduces numbers in place.</summary>
    private protected abstract void AllReduce(nint memory, long count, ScalarType type, ReduceOp op);

    /// <summary>Reduces a tensor where it is, if the group can.</summary>
    private protected virtual bool TryAllReduceOnDevice(Tensor tensor, long count, ScalarType type, ReduceOp op) => false;

    /// <summary>Begins to reduce numbers in place; writes them back and disposes of the memory when it is waited for.</summary>
    private protected abstract PendingOperation BeginAllReduce(HostMemory memory, long count, ScalarType type, ReduceOp op);

    /// <summary>Begins to exchange memory, <paramref name="bytes"/> with each process; disposes of both when it is waited for.</summary>
    private protected abstract PendingOperation BeginExchange(HostMemory from, HostMemory to, long bytes);

    /// <summary>Gathers memory; <paramref name="bytes"/> from each process.</summary>
    private protected abstract void AllGather(nint from, nint to, long bytes);

    /// <summary>Reduces numbers, of which each process gets <paramref name="count"/>.</summary>
    private protected abstract void ReduceScatter(nint from, nint to, long count, ScalarType type, ReduceOp op);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the group holds.</summary>
    protected virtual void Dispose(bool disposing) { }

    internal static ProcessGroup Open(Func<string, string?> variable) =>
        Launch.Of(variable) is { Size: > 1 } launch ? MpiGroup.OpenWorld(launch, variable(MpiLibrary.Variable)) : Single;
}
