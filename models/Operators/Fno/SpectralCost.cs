using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>Which way to the modes is faster.</summary>
internal static class SpectralCost
{
    /// <summary>The way asked for, or the one that should take less time for this input.</summary>
    public static SpectralTransform Choose(SpectralTransform asked, Tensor x, long[] modes)
    {
        if (asked != SpectralTransform.Auto) return asked;
        return x.device_type == DeviceType.CPU && modes[^1] * 4 <= x.shape[^1] ? SpectralTransform.Dft : SpectralTransform.Fft;
    }
}
