using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>A cell's states by its kernels: inputs (heads, batch, time, 3, channels of a head), recurrent weights, b, initial state or null
/// → states, (batch, time, channels) each.</summary>
internal abstract class FusedFunction(ParaRnnCell cell) : KernelFunction
{
    private int Weights => cell.StatesPerChannel;

    /// <summary>Whether there are kernels for a device and type.</summary>
    public static bool HasKernelFor(Tensor inputs) => HasCpuKernelFor(inputs) || CudaParaRnn.HasKernel(inputs);

    /// <summary>Whether there are kernels and they are those of the CPU.</summary>
    public static bool HasCpuKernelFor(Tensor inputs) =>
        inputs.device_type == DeviceType.CPU && inputs.dtype is ScalarType.Float32 or ScalarType.Float64;

    /// <summary>The states, on a CPU, and the gates for <see cref="Gradients"/>, laid out as the inputs and perhaps in their place; null:
    /// nobody wants them.</summary>
    public abstract void Run(Tensor inputs, Tensor[] weights, Tensor b, Tensor? initial, Tensor[] states, Tensor? gates);

    /// <summary>The gradients, on a CPU.</summary>
    public abstract FusedGradients Gradients(Tensor gates, Tensor[] weights, Tensor? initial, Tensor[] states, Tensor?[] byStates);

    /// <summary>States of inputs' batch and time, to be written.</summary>
    public Tensor[] Empty(long batch, long steps, long channels, Tensor like) =>
        [.. Enumerable.Range(0, cell.StatesPerChannel).Select(_ => empty([batch, steps, channels], like.dtype, like.device))];

    protected override bool HasKernel(KernelCall call) => HasKernelFor(call[0]);

    protected override Tensor[] Forward(KernelCall call)
    {
        var inputs = call[0];
        Tensor[] states;
        if (HasCpuKernelFor(inputs))
        {
            states = Empty(inputs.shape[1], inputs.shape[2], inputs.shape[0] * inputs.shape[4], inputs);
            var gates = call.IsRecorded ? empty(inputs.shape, inputs.dtype) : null;
            Run(inputs, RecurrentWeights(call), Bias(call), Initial(call), states, gates);
            call.Save([.. states, gates]);
        }
        else
        {
            states = FusedOnGpu.Forward(InputsByTime(call), RecurrentWeights(call), Initial(call));
            call.Save(states);
        }
        return states;
    }

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        Tensor[] states = [.. Enumerable.Range(0, cell.StatesPerChannel).Select(call.Saved)];
        if (HasCpuKernelFor(call[0]))
        {
            var by = Gradients(call.Saved(states.Length), RecurrentWeights(call), Initial(call), states, byOutputs);
            return [by.Inputs, .. by.Weights, by.Bias, by.Initial];
        }
        var (byU, byWeights, byInitial) = FusedOnGpu.Backward(cell, InputsByTime(call), RecurrentWeights(call), Initial(call), states,
            byOutputs);
        return [ParaRnnCell.ByHead(byU, call[0].shape[0]), .. byWeights, byU.sum([0, 1]), byInitial];
    }

    protected override Tensor[] Eager(KernelCall call) => cell.StepThrough(InputsByTime(call), RecurrentWeights(call), Initial(call));

    private Tensor InputsByTime(KernelCall call) => ParaRnnCell.ByTime(call[0]) + Bias(call);

    private Tensor[] RecurrentWeights(KernelCall call) => [.. Enumerable.Range(1, Weights).Select(i => call[i])];

    private Tensor Bias(KernelCall call) => call[1 + Weights];

    private Tensor? Initial(KernelCall call) => call.Optional(2 + Weights);
}

/// <summary>The loss's gradients by what a recurrence depends on.</summary>
/// <param name="Inputs">By the inputs.</param>
/// <param name="Weights">By the recurrent weights.</param>
/// <param name="Bias">By the biases.</param>
/// <param name="Initial">By the initial state; null if there was none.</param>
internal sealed record FusedGradients(Tensor Inputs, Tensor[] Weights, Tensor Bias, Tensor? Initial);

/// <summary>ParaGRU's: inputs, A, b, initial state → h.</summary>
internal sealed class FusedGru(ParaGru cell) : FusedFunction(cell)
{
    public override void Run(Tensor inputs, Tensor[] weights, Tensor b, Tensor? initial, Tensor[] states, Tensor? gates)
    {
        if (inputs.dtype == ScalarType.Float32) GruKernel.Forward<float>(inputs, weights[0], b, initial, states[0], gates);
        else GruKernel.Forward<double>(inputs, weights[0], b, initial, states[0], gates);
    }

    public override FusedGradients Gradients(Tensor gates, Tensor[] weights, Tensor? initial, Tensor[] states, Tensor?[] byStates)
    {
        var (byInputs, byA, byB, byInitial) = gates.dtype == ScalarType.Float32
            ? GruKernel.Backward<float>(gates, weights[0], initial, states[0], byStates[0]!)
            : GruKernel.Backward<double>(gates, weights[0], initial, states[0], byStates[0]!);
        return new(byInputs, [byA], byB, byInitial);
    }
}

/// <summary>ParaLSTM's: inputs, A, C, b, initial state → c, h.</summary>
internal sealed class FusedLstm(ParaLstm cell) : FusedFunction(cell)
{
    public override void Run(Tensor inputs, Tensor[] weights, Tensor b, Tensor? initial, Tensor[] states, Tensor? gates)
    {
        if (inputs.dtype == ScalarType.Float32) LstmKernel.Forward<float>(inputs, weights[0], weights[1], b, initial, states[1], states[0], gates);
        else LstmKernel.Forward<double>(inputs, weights[0], weights[1], b, initial, states[1], states[0],
            gates);
    }

    public override FusedGradients Gradients(Tensor gates, Tensor[] weights, Tensor? initial, Tensor[] states, Tensor?[] byStates)
    {
        var (byInputs, byA, byC, byB, byInitial) = gates.dtype == ScalarType.Float32
            ? LstmKernel.Backward<float>(gates, weights[0], weights[1], initial, states[1], states[0], byStates[1], byStates[0])
            : LstmKernel.Backward<double>(gates, weights[0], weights[1], initial, states[1], states[0], byStates[1], byStates[0]);
        return new(byInputs, [byA, byC], byB, byInitial);
    }
}
