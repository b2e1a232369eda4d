using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Everything about a spectral convolution that depends on the sizes of the grids: which modes are kept, where their weights are, and the
/// two transforms. Instances are immutable but for the matrices and indices they make when first needed.
/// </summary>
internal sealed class SpectralPlan : IDisposable
{
    /// <summary>One axis of the grid.</summary>
    /// <param name="Size">Points of the input.</param>
    /// <param name="OutSize">Points of the output.</param>
    /// <param name="WeightStart">First weight that belongs to a kept mode.</param>
    /// <param name="From">For each kept mode its place in the input's spectrum.</param>
    /// <param name="To">For each kept mode its place in the output's spectrum, or −1 if that has no such place.</param>
    internal sealed record Axis(long Size, long OutSize, long WeightStart, long[] From, long[] To)
    {
        public int Kept => From.Length;
    }

    private readonly bool _complex;
    private readonly bool _zeroLast;
    private readonly Dictionary<(string, int), Tensor> _constants = [];
    private readonly ScalarType _real;
    private readonly Device _device;

    /// <param name="sizes">Grid of the input.</param>
    /// <param name="outSizes">Grid of the output.</param>
    /// <param name="modes">Modes to keep an axis, at most.</param>
    /// <param name="weights">Modes that have weights.</param>
    /// <param name="complexData">Complex data: all frequencies along the last axis.</param>
    /// <param name="hermitian">Drop imaginary parts as <see cref="FnoConfig.EnforceHermitianSymmetry"/> says.</param>
    /// <param name="real">Type of real numbers.</param>
    /// <param name="device">Where constants live.</param>
    public SpectralPlan(
        long[] sizes, long[] outSizes, long[] modes, long[] weights, bool complexData, bool hermitian, ScalarType real, Device device)
    {
        (_complex, _real, _device) = (complexData, real, device);
        Axes = [.. sizes.Select((size, j) => MakeAxis(j))];
        // The reference zeroes the imaginary part of the last column that the *input's* spectrum has whenever the output's size is even,
        // the right thing only if both grids are the same.
        _zeroLast = !complexData && hermitian && outSizes[^1] % 2 == 0 && Axes[^1].Kept == sizes[^1] / 2 + 1;

        Axis MakeAxis(int j)
        {
            var last = j == sizes.Length - 1;
            var (n, s) = (sizes[j], outSizes[j]);
            var (spectrum, outSpectrum) = last && !complexData ? (n / 2 + 1, s / 2 + 1) : (n, s);
            var kept = Math.Min(spectrum, modes[j]);
            // Fewer modes than weights: the weights around frequency 0 are taken, on the last axis of real data the first ones.
            var start = last && !complexData ? 0 : (weights[j] - kept) / 2;
            var from = new long[kept];
            var to = new long[kept];
            for (var i = 0; i < kept; i++)
            {
                // Frequencies −⌊m/2⌋ … ⌈m/2⌉−1, negative ones at the end of the spectrum.
                var signed = (i - kept / 2 + n) % n;
                // For complex data on several axes the reference takes the last axis' first modes of the *shifted* spectrum, −⌊n/2⌋ …, and
                // puts them back from 0 on: a modulation, kept so that its checkpoints mean the same here.
                (from[i], to[i]) = !last ? (signed, signed) : complexData && sizes.Length > 1 ? ((i - n / 2 + n) % n, i) : (i, i);
                // The output's spectrum is the input's, trimmed or padded with zeros at its end.
                if (to[i] >= outSpectrum) to[i] = -1;
            }
            return new Axis(n, s, start, from, to);
        }
    }

    /// <summary>The axes.</summary>
    public Axis[] Axes { get; }

    public static ScalarType RealType(ScalarType complex) => complex == ScalarType.ComplexFloat64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>Index of the zero frequency among the kept modes (its place in the output's spectrum is 0).</summary>
    public int ZeroMode(int axis) => Array.IndexOf(Axes[axis].To, 0);

    /// <summary>Forward transform, divided by the number of points: (batch, channels, d1, …, dN) → (k1, …, kN, batch, channels).</summary>
    public Tensor Analyse(Tensor x, SpectralTransform how) => how == SpectralTransform.Dft ? AnalyseDft(x) : AnalyseFft(x);

    /// <summary>Inverse transform of the kept modes: (k1, …, kN, batch, channels) → (batch, channels, s1, …, sN).</summary>
    public Tensor Synthesise(Tensor y, SpectralTransform how) => how == SpectralTransform.Dft ? SynthesiseDft(y) : SynthesiseFft(y);

    private Tensor AnalyseFft(Tensor x)
    {
        var (batch, channels) = (x.shape[0], x.shape[1]);
        var t = x;
        for (var j = Axes.Length - 1; j >= 0; j--)
        {
            var dim = j + 2;
            if (j == Axes.Length - 1 && !_complex)
                t = fft.rfft(t, dim: dim, norm: FFTNormType.Forward).narrow(dim, 0, Axes[j].Kept);
            else
            {
                t = fft.fft_(t, dim: dim, norm: FFTNormType.Forward);
                if (!IsIdentity(Axes[j].From, Axes[j].Size)) t = t.index_select(dim, Index("from", j, Axes[j].From));
            }
        }
        return t.reshape(batch * channels, -1).t().contiguous().view([.. Axes.Select(a => (long)a.Kept), batch, channels]);
    }

    private Tensor SynthesiseFft(Tensor y)
    {
        var n = Axes.Length;
        var (batch, channels) = (y.shape[n], y.shape[n + 1]);
        var t = y.reshape(-1, batch * channels).t().contiguous().view([batch, channels, .. Axes.Select(a => (long)a.Kept)]);
        for (var j = 0; j < n; j++)
        {
            var dim = j + 2;
            var axis = Axes[j];
            if (j == n - 1 && !_complex)
            {
                if (_zeroLast && axis.OutSize / 2 != axis.Size / 2) t = DropLast(t);
                return fft.irfft(t, axis.OutSize, dim, FFTNormType.Forward);
            }
            t = fft.ifft(Place(t, dim, j), dim: dim, norm: FFTNormType.Forward);
        }
        return t;
    }

    // Kept modes into a spectrum of zeros.
    private Tensor Place(Tensor t, int dim, int j)
    {
        var axis = Axes[j];
        if (IsIdentity(axis.To, axis.OutSize)) return t;
        if (axis.To.Contains(-1))
            t = t.index_select(dim, Index("kept", j, [.. Enumerable.Range(0, axis.Kept).Where(i => axis.To[i] >= 0).Select(i => (long)i)]));
        var shape = t.shape;
        shape[dim] = axis.OutSize;
        return zeros(shape, t.dtype, t.device).index_copy_(dim, Index("to", j, [.. axis.To.Where(p => p >= 0)]), t);
    }

    private Tensor AnalyseDft(Tensor x) => AnalyseFft(x);

    private Tensor SynthesiseDft(Tensor y) => SynthesiseFft(y);

    // 1 for both parts of a column, but 0 for the imaginary part of the input's last one.
    private Tensor DropLast(Tensor t)
    {
        var mask = Constant("mask", 0, () =>
        {
            var ones = torch.ones([Axes[^1].Kept, 2], _real, _device);
            ones[Axes[^1].Kept - 1, 1] = 0;
            return ones;
        });
        return (t.view_as_real() * mask).view_as_complex();
    }

    private static bool IsIdentity(long[] places, long size) => places.Length == size && places.Select((p, i) => p == i).All(same => same);

    private Tensor Index(string kind, int axis, long[] values) => Constant(kind, axis, () => tensor(values, device: _device));

    private Tensor Constant(string kind, int axis, Func<Tensor> make)
    {
        if (!_constants.TryGetValue((kind, axis), out var constant))
            _constants[(kind, axis)] = constant = make().DetachFromDisposeScope();
        return constant;
    }

    public void Dispose()
    {
        foreach (var constant in _constants.Values) constant.Dispose();
        _constants.Clear();
    }
}
