namespace TorchZoo.Kernels.Cuda;

/// <summary>A call of CUDA's driver failed.</summary>
/// <param name="call">What was tried.</param>
/// <param name="code">The driver's number (CUresult).</param>
/// <param name="name">The driver's name for it, e.g. <c>CUDA_ERROR_OUT_OF_MEMORY</c>.</param>
/// <param name="description">The driver's words for it.</param>
public sealed class CudaException(string call, int code, string name, string description)
    : Exception($"{call}: {description} ({name}, {code})")
{
    /// <summary>The driver's number (CUresult).</summary>
    public int Code { get; } = code;

    /// <summary>The driver's name for it.</summary>
    public string Name { get; } = name;
}
