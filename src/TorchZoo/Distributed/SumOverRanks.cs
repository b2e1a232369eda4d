using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>The sum of a tensor over all ranks, differentiable: each rank's tensor has part in the sums that all ranks go on with, so its
/// gradient is the sum of theirs.</summary>
internal sealed class SumOverRanks(ProcessGroup group) : KernelFunction
{
    protected override bool SavesInputs => false;

    protected override Tensor[] Forward(KernelCall call) => [Sum(call[0])];

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => [Sum(byOutputs[0]!)];

    protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs) => [Apply(byOutputs[0])[0]];

    private Tensor Sum(Tensor x)
    {
        var sum = x.detach().clone();
        group.AllReduce(sum);
        return sum;
    }
}
