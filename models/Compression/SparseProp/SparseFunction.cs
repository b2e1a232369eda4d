using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>A sparse layer's function of input, stored weights and bias.</summary>
/// <param name="plan">What is computed.</param>
/// <param name="eager">The same in torch operations.</param>
/// <param name="backwardSeen">Is shown input and output gradient of the backward pass; null: nobody is.</param>
internal sealed class SparseFunction(SparsePlan plan, Func<Tensor, Tensor, Tensor?, Tensor> eager, Action<Tensor, Tensor>? backwardSeen)
    : KernelFunction
{
    protected override Tensor[] Forward(KernelCall call)
    {
        Expect.Type(call[0], "input", call[1].dtype);
        var (output, spread) = plan.Forward(call[0].contiguous(), call[1], call.Optional(2));
        call.Save(spread);
        return [output];
    }

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        var byOutput = byOutputs[0]!;
        backwardSeen?.Invoke(call[0], byOutput);
        var (byInput, byValues, byBias) = plan.Backward(call.Saved(0), call[1], byOutput.contiguous(),
            call.Needs(0), call.Needs(1), call.Needs(2));
        return [byInput, byValues, byBias];
    }

    protected override Tensor[] Eager(KernelCall call) => [eager(call[0], call[1], call.Optional(2))];
}
