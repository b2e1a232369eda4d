using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>A process alone: there is nothing to do.</summary>
internal sealed unsafe class SingleProcess : ProcessGroup
{
    public override int Rank => 0;

    public override int Size => 1;

    public override int LocalRank => 0;

    public override int LocalSize => 1;

    public override void Barrier() { }

    public override ProcessGroup Duplicate() => this;

    private protected override void Broadcast(nint memory, long bytes, int root) { }

    private protected override void AllReduce(nint memory, long count, ScalarType type, ReduceOp op) { }

    private protected override PendingOperation BeginAllReduce(HostMemory memory, long count, ScalarType type, ReduceOp op)
    {
        memory.Dispose();
        return PendingOperation.Done;
    }

    private protected override PendingOperation BeginExchange(HostMemory from, HostMemory to, long bytes)
    {
        AllGather(from.Address, to.Address, bytes);
        from.Dispose();
        to.Dispose();
        return PendingOperation.Done;
    }

    private protected override void AllGather(nint from, nint to, long bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);

    private protected override void ReduceScatter(nint from, nint to, long count, ScalarType type, ReduceOp op)
    {
        var bytes = count * Checkpoints.TensorMemory.ElementSize(type);
        Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
    }
}
