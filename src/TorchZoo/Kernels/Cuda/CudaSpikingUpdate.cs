using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;

namespace TorchZoo.Kernels.Cuda;

/// <summary><see cref="SpikingUpdate"/> on a GPU, on raw memory in float32 or float64; 0 stands for what isn't there.</summary>
internal static class CudaSpikingUpdate
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaSpikingUpdate).Assembly, "spiking.cu");

    /// <summary>As <see cref="Cpu.SpikingKernel.Forward"/>.</summary>
    public static void Forward(SpikingDynamics dynamics, torch.ScalarType type, CudaStream stream, CudaArgument x, CudaArgument v,
        CudaArgument spikes, CudaArgument next, CudaArgument u, long n) =>
        stream.Device.Kernel(Source, $"forward<{CudaSource.TypeName(type)}>").LaunchForPacks(n, type, stream, x, v, spikes, next, u, n,
            Numbers(dynamics, type));

    /// <summary>As <see cref="Cpu.SpikingKernel.Backward"/>.</summary>
    public static void Backward(SpikingDynamics dynamics, torch.ScalarType type, CudaStream stream, CudaArgument u, CudaArgument bySpikes,
        CudaArgument byNext, CudaArgument byInput, CudaArgument byMembrane, long n) =>
        stream.Device.Kernel(Source, $"backward<{dynamics.Surrogate},{CudaSource.TypeName(type)}>").LaunchForPacks(n, type, stream, u,
            bySpikes, byNext, byInput, byMembrane, n, Numbers(dynamics, type));

    private static CudaArgument Numbers(SpikingDynamics dynamics, torch.ScalarType type) => type == torch.ScalarType.Float32
        ? CudaArgument.Of(new Dynamics<float>(dynamics))
        : CudaArgument.Of(new Dynamics<double>(dynamics));

    // The kernel's struct of that name.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Dynamics<T>(SpikingDynamics of) where T : unmanaged, IFloatingPointIeee754<T>
    {
        private readonly T _leak = T.CreateChecked(of.Leak), _gain = T.CreateChecked(of.InputGain), _drift = T.CreateChecked(of.Drift),
            _threshold = T.CreateChecked(of.Threshold), _rest = T.CreateChecked(of.Rest), _alpha = T.CreateChecked(of.SurrogateAlpha);

        private readonly int _hard = of.Reset is null ? 0 : 1, _throughReset = of.DetachReset ? 0 : 1;
    }
}
