using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>Which way to the modes is faster.</summary>
internal static class SpectralCost
{
    /// <summary>The way asked for, or the one that should take less time for this input.</summary>
    /// <remarks>Most of the work is on the last axis of n points, where k modes cost 4k operations a point as a matrix product and
    /// 2.5 log₂ n as an FFT. Measured on CPUs in float32 the products run some three times as many operations a second, so they win for
    /// k up to about 2 log₂ n; in float64 the FFT always wins. On GPUs, where neither was measured, it is the FFT.</remarks>
    public static SpectralTransform Choose(SpectralTransform asked, Tensor x, long[] modes) => asked != SpectralTransform.Auto ? asked
        : x.device_type == DeviceType.CPU && x.dtype == ScalarType.Float32 && modes[^1] <= 2 * Math.Log2(x.shape[^1])
            ? SpectralTransform.Dft
        : SpectralTransform.Fft;
}
