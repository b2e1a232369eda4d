using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The two maps of a <see cref="ModeTransform"/> as functions with gradients, each the other's. Without them libtorch derives the gradient
/// of a real transform as a complex one of twice the size and copies conjugated matrices.
/// </summary>
internal static class ModeFunctions
{
    public static Tensor Down(ModeTransform transform, Tensor x, SpectralTransform how) => new Map(transform, how, true).Apply(x)[0];

    public static Tensor Up(ModeTransform transform, Tensor modes, SpectralTransform how) => new Map(transform, how, false).Apply(modes)[0];

    private sealed class Map(ModeTransform transform, SpectralTransform how, bool down) : KernelFunction
    {
        // Linear: the gradient is the same at every input.
        protected override bool SavesInputs => false;

        protected override Tensor[] Forward(KernelCall call) => [down ? transform.Down(call[0], how) : transform.Up(call[0], how)];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) =>
            [down ? transform.Up(byOutputs[0]!, how) : transform.Down(byOutputs[0]!, how)];

        protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs) =>
            new Map(transform, how, !down).Apply(byOutputs[0]);
    }
}
