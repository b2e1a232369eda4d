using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Operations of libtorch that TorchSharp doesn't bind. They are rarely needed, so the script is compiled on first use.</summary>
internal static class ScriptedOps
{
    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile("""
        def negative_view(x: Tensor) -> Tensor:
            return torch._neg_view(x)

        """));

    /// <summary>A view that shows the elements with the opposite sign.</summary>
    public static Tensor NegativeView(Tensor tensor) => Unit.Value.invoke<Tensor>("negative_view", tensor);
}
