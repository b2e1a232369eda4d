using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>A cell's states by its kernels: inputs (heads, batch, time, 3, channels of a head), recurrent weights, b, initial state or null →
/// states, (batch, time, channels) each.</summary>
internal abstract class FusedFunction(ParaRnnCell cell) : KernelFunction
{
    private int Weights => cell.StatesPerChannel;

    /// <summary>Whether there are kernels for a device and type.</summary>
    public static bool HasKernelFor(Tensor inputs) => IsOnCpu(inputs) || CudaParaRnn.HasKernel(inputs);

    protected override bool HasKernel(KernelCall call) => HasKernelFor(call[0]);

    protected sealed override Tensor[] Forward(KernelCall call)
    {
        var states = IsOnCpu(call[0]) ? ForwardOnCpu(call) : FusedOnGpu.Forward(InputsByTime(call), RecurrentWeights(call), Initial(call));
        call.Save(states);
        return states;
    }

    protected sealed override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        if (IsOnCpu(call[0])) return BackwardOnCpu(call, byOutputs);
        Tensor[] states = [.. Enumerable.Range(0, cell.StatesPerChannel).Select(call.Saved)];
        var (byU, byWeights, byInitial) = FusedOnGpu.Backward(cell, InputsByTime(call), RecurrentWeights(call), Initial(call), states, byOutputs);
        return [ParaRnnCell.ByHead(byU, call[0].shape[0]), .. byWeights, byU.sum([0, 1]), byInitial];
    }

    protected sealed override Tensor[] Eager(KernelCall call) => cell.StepThrough(InputsByTime(call), RecurrentWeights(call), Initial(call));

    protected abstract Tensor[] ForwardOnCpu(KernelCall call);

    protected abstract Tensor?[] BackwardOnCpu(KernelCall call, Tensor?[] byOutputs);

    private static bool IsOnCpu(Tensor x) => x.device_type == DeviceType.CPU && x.dtype is ScalarType.Float32 or ScalarType.Float64;

    private Tensor InputsByTime(KernelCall call) => ParaRnnCell.ByTime(call[0]) + call[1 + Weights];

    private Tensor[] RecurrentWeights(KernelCall call) => [.. Enumerable.Range(1, Weights).Select(i => call[i])];

    private Tensor? Initial(KernelCall call) => call.Optional(2 + Weights);
}

/// <summary>ParaGRU's: inputs, A, b, initial state → h.</summary>
internal sealed class FusedGru(ParaGru cell) : FusedFunction(cell)
{
    protected override Tensor[] ForwardOnCpu(KernelCall call)
    {
        var (u, a, b, initial) = (call[0], call[1], call[2], call.Optional(3));
        return [u.dtype == ScalarType.Float32 ? GruKernel.Forward<float>(u, a, b, initial) : GruKernel.Forward<double>(u, a, b, initial)];
    }

    protected override Tensor?[] BackwardOnCpu(KernelCall call, Tensor?[] byOutputs)
    {
        var (u, a, b, initial, h, g) = (call[0], call[1], call[2], call.Optional(3), call.Saved(0), byOutputs[0]!);
        var (byU, byA, byB, byInitial) = u.dtype == ScalarType.Float32
            ? GruKernel.Backward<float>(u, a, b, initial, h, g) : GruKernel.Backward<double>(u, a, b, initial, h, g);
        return [byU, byA, byB, byInitial];
    }
}

/// <summary>ParaLSTM's: inputs, A, C, b, initial state → c, h.</summary>
internal sealed class FusedLstm(ParaLstm cell) : FusedFunction(cell)
{
    protected override Tensor[] ForwardOnCpu(KernelCall call)
    {
        var (u, a, c, b, initial) = (call[0], call[1], call[2], call[3], call.Optional(4));
        var (hidden, cells) = u.dtype == ScalarType.Float32
            ? LstmKernel.Forward<float>(u, a, c, b, initial) : LstmKernel.Forward<double>(u, a, c, b, initial);
        return [cells, hidden];
    }

    protected override Tensor?[] BackwardOnCpu(KernelCall call, Tensor?[] byOutputs)
    {
        var (u, a, c, b, initial, cells, hidden) = (call[0], call[1], call[2], call[3], call.Optional(4), call.Saved(0), call.Saved(1));
        var (byU, byA, byC, byB, byInitial) = u.dtype == ScalarType.Float32
            ? LstmKernel.Backward<float>(u, a, c, b, initial, hidden, cells, byOutputs[1], byOutputs[0])
            : LstmKernel.Backward<double>(u, a, c, b, initial, hidden, cells, byOutputs[1], byOutputs[0]);
        return [byU, byA, byC, byB, byInitial];
    }
}
