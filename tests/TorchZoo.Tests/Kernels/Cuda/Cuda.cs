using NUnit.Framework;
using TorchZoo.Kernels.Cuda;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>What the tests of CUDA kernels need, or they skip.</summary>
internal static class Cuda
{
    /// <summary>The first GPU; the test skips where it can't be used.</summary>
    public static CudaDevice Device
    {
        get
        {
            if (CudaKernels.Problem is { } problem) Assert.Ignore(problem);
            return CudaDevice.Get(0);
        }
    }

    /// <summary>The test skips where there is no compiler.</summary>
    public static void NeedsCompiler()
    {
        if (CudaCompiler.Problem is { } problem) Assert.Ignore(problem);
    }
}
