namespace TorchZoo.Kernels.Cuda;

/// <summary>One compiled kernel.</summary>
/// <param name="EntryPoint">The kernel's name in it, as the compiler has mangled it.</param>
/// <param name="Target">What it was compiled for: <c>sm_80</c> and the like: machine code (CUBIN), <c>compute_80</c>: PTX.</param>
/// <param name="Image">What the driver loads.</param>
/// <param name="ParameterSizes">Bytes of each parameter.</param>
public sealed record CudaBinary(string EntryPoint, string Target, byte[] Image, IReadOnlyList<int> ParameterSizes);
