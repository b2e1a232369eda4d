using System.Diagnostics;

namespace TorchZoo.Kernels.Cuda;

/// <summary>Whether kernels can be compiled and run here.</summary>
public static class CudaKernels
{
    // Asked where a kernel would be launched, so that whoever asks and is told no goes a slower way: that is said once.
    private static readonly Lazy<bool> Available = new(() =>
    {
        if (Problem is { } problem) Trace.TraceWarning($"CUDA kernels are replaced by slower torch operations: {problem}");
        return Problem is null;
    });

    /// <summary>Why not, in words; null: they can.</summary>
    public static string? Problem => CudaDevice.Problem ?? CudaCompiler.Problem;

    /// <summary>They can. Where they can't, the reason goes to <see cref="Trace"/> as a warning, at the first time.</summary>
    public static bool AreAvailable => Available.Value;
}
