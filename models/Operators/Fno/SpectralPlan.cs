using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// What of a spectral convolution depends on the sizes of the grids: the kept modes, where their weights are, and the transforms.
/// </summary>
internal sealed class SpectralPlan : IDisposable
{
    /// <param name="sizes">Grid of the input.</param>
    /// <param name="outSizes">Grid of the output.</param>
    /// <param name="modes">Modes to keep an axis, at most; of real data's last axis, non-negative ones.</param>
    /// <param name="weights">Modes that have weights.</param>
    /// <param name="complexData">Complex data: all frequencies along the last axis.</param>
    /// <param name="hermitian">Drop imaginary parts as <see cref="FnoConfig.EnforceHermitianSymmetry"/> says.</param>
    /// <param name="type">Type of real numbers.</param>
    /// <param name="device">Where constants live.</param>
    public SpectralPlan(
        long[] sizes, long[] outSizes, long[] modes, long[] weights, bool complexData, bool hermitian, ScalarType type, Device device)
    {
        var axes = sizes.Length;
        var last = axes - 1;
        WeightStarts = new long[axes];
        var from = new long[axes][];
        var to = new long[axes][];
        for (var j = 0; j < axes; j++)
        {
            var half = j == last && !complexData;
            var (n, s) = (sizes[j], outSizes[j]);
            var kept = Math.Min(half ? n / 2 + 1 : n, modes[j]);
            // Fewer modes than weights: the weights around frequency 0, on the last axis of real data the first ones.
            WeightStarts[j] = half ? 0 : (weights[j] - kept) / 2;
            from[j] = new long[kept];
            to[j] = new long[kept];
            for (var i = 0; i < kept; i++)
            {
                // Frequencies −⌊m/2⌋ … ⌈m/2⌉−1; negative ones are at the spectrum's end. For complex data on several axes the reference
                // takes the last axis' first modes of the *shifted* spectrum, −⌊n/2⌋ …, and puts them back from 0 on: a modulation, kept so
                // that its checkpoints mean the same here.
                var signed = (i - kept / 2 + n) % n;
                (from[j][i], to[j][i]) = j < last ? (signed, signed) : complexData && axes > 1 ? ((i - n / 2 + n) % n, i) : (i, i);
                // To another grid the reference trims the spectrum at its end or pads it there: a negative frequency −k of n points becomes
                // n−k of s points, the same values on the points that both grids have.
                if (to[j][i] >= (half ? s / 2 + 1 : s)) to[j][i] = -1;
            }
        }

        var points = sizes.Aggregate(1.0, (a, b) => a * b);
        var (width, height) = (sizes[last], outSizes[last]);
        Input = new ModeTransform(sizes, from, complexData, [.. from[last].Select(_ => 1 / points)], false, type, device);
        // The reference drops the imaginary part of the *input* spectrum's last column when the output's size is even: on the same grid
        // that
        // is the Nyquist frequency, which has none, on another it is not.
        var realLast = !complexData && hermitian && height % 2 == 0 && from[last].Length == width / 2 + 1;
        var counts = to[last].Select(k => complexData || 2 * k % height == 0 ? 1.0 : 2);
        Output = new ModeTransform(outSizes, to, complexData, [.. counts], realLast, type, device);
        ZeroMode = [.. to.Select(t => Array.IndexOf(t, 0L))];
    }

    /// <summary>First weight of the kept modes, an axis.</summary>
    public long[] WeightStarts { get; }

    /// <summary>Down: the input's Fourier transform, divided by the number of points.</summary>
    public ModeTransform Input { get; }

    /// <summary>Up: the inverse transform on the output's grid.</summary>
    public ModeTransform Output { get; }

    /// <summary>Where among the kept modes the constant function is.</summary>
    public int[] ZeroMode { get; }

    public static ScalarType RealType(ScalarType complex) => complex == ScalarType.ComplexFloat64 ? ScalarType.Float64 : ScalarType.Float32;

    public void Dispose()
    {
        Input.Dispose();
        Output.Dispose();
    }
}
