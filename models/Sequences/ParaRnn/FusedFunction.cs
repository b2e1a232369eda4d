using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>ParaGRU's states by its kernels: inputs (heads, batch, time, 3, channels of a head), A, b, initial state or null → h.</summary>
internal sealed class FusedGru(ParaGru cell) : KernelFunction
{
    protected override bool HasKernel(KernelCall call) => HasKernel(call[0]);

    public static bool HasKernel(Tensor inputs) =>
        inputs.device_type == DeviceType.CPU && inputs.dtype is ScalarType.Float32 or ScalarType.Float64;

    protected override Tensor[] Forward(KernelCall call)
    {
        var (u, a, b, initial) = (call[0], call[1], call[2], call.Optional(3));
        var h = u.dtype == ScalarType.Float32 ? GruKernel.Forward<float>(u, a, b, initial) : GruKernel.Forward<double>(u, a, b, initial);
        call.Save(h);
        return [h];
    }

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        var (u, a, b, initial, h, g) = (call[0], call[1], call[2], call.Optional(3), call.Saved(0), byOutputs[0]!);
        var (byU, byA, byB, byInitial) = u.dtype == ScalarType.Float32
            ? GruKernel.Backward<float>(u, a, b, initial, h, g) : GruKernel.Backward<double>(u, a, b, initial, h, g);
        return [byU, byA, byB, byInitial];
    }

    protected override Tensor[] Eager(KernelCall call) =>
        cell.StepThrough(ParaRnnCell.ByTime(call[0]) + call[2], [call[1]], call.Optional(3));
}

/// <summary>ParaLSTM's states by its kernels: inputs (heads, batch, time, 3, channels of a head), A, C, b, initial state or null → c,
/// h.</summary>
internal sealed class FusedLstm(ParaLstm cell) : KernelFunction
{
    protected override bool HasKernel(KernelCall call) => FusedGru.HasKernel(call[0]);

    protected override Tensor[] Forward(KernelCall call)
    {
        var (u, a, c, b, initial) = (call[0], call[1], call[2], call[3], call.Optional(4));
        var (hidden, cells) = u.dtype == ScalarType.Float32
            ? LstmKernel.Forward<float>(u, a, c, b, initial) : LstmKernel.Forward<double>(u, a, c, b, initial);
        call.Save(hidden, cells);
        return [cells, hidden];
    }

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        var (u, a, c, b, initial, hidden, cells) = (call[0], call[1], call[2], call[3], call.Optional(4), call.Saved(0), call.Saved(1));
        var (byU, byA, byC, byB, byInitial) = u.dtype == ScalarType.Float32
            ? LstmKernel.Backward<float>(u, a, c, b, initial, hidden, cells, byOutputs[1], byOutputs[0])
            : LstmKernel.Backward<double>(u, a, c, b, initial, hidden, cells, byOutputs[1], byOutputs[0]);
        return [byU, byA, byC, byB, byInitial];
    }

    protected override Tensor[] Eager(KernelCall call) =>
        cell.StepThrough(ParaRnnCell.ByTime(call[0]) + call[3], [call[1], call[2]], call.Optional(4));
}
