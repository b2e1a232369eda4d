using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>A sound as samples.</summary>
/// <param name="Samples">(channels, length), float32; full scale is [−1, 1].</param>
/// <param name="SampleRate">Samples a second in each channel.</param>
public sealed record Sound(Tensor Samples, int SampleRate) : IDisposable
{
    /// <summary>Seconds.</summary>
    public double Duration => (double)Samples.shape[^1] / SampleRate;

    /// <inheritdoc/>
    public void Dispose() => Samples.Dispose();
}
