using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Two linear maps between functions on a grid and some of their Fourier modes, each the adjoint (so also the gradient) of the other:
/// <code>
/// Down: Y(k) = w_k Σ_x y(x) e^{−2πi k·x}
/// Up:   y(x) = Re Σ_k w_k Y(k) e^{2πi k·x}     (without Re for complex data)
/// </code>
/// with x = index/size, and real weights w_k that depend on the last axis' mode. With w = 1/points, Down is the transform of the input;
/// with
/// w_k = 2 for modes whose conjugate is left out, Up is its inverse. Modes: (k1, …, kN, batch, channels); functions: (batch, channels,
/// d1, …, dN).
/// </summary>
internal sealed class ModeTransform : IDisposable
{
    private readonly long[] _sizes;
    private readonly long[][] _places;
    private readonly bool _complex;
    private readonly double[] _weights;
    private readonly bool _realLast;
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly Dictionary<(string, int), Tensor> _constants = [];

    /// <param name="sizes">The grid.</param>
    /// <param name="places">For each axis the frequencies of the modes as places in the axis' spectrum; −1: a mode that the grid doesn't
    /// have (Down gives 0 for it, Up ignores it).</param>
    /// <param name="complexData">Functions are complex.</param>
    /// <param name="weights">w for each mode of the last axis.</param>
    /// <param name="realLast">The last axis' last mode counts with its real part only.</param>
    /// <param name="type">Type of real numbers.</param>
    /// <param name="device">Where the constants live.</param>
    public ModeTransform(long[] sizes, long[][] places, bool complexData, double[] weights, bool realLast, ScalarType type, Device device)
    {
        (_sizes, _places, _complex, _weights, _type, _device) = (sizes, places, complexData, weights, type, device);
        Modes = [.. places.Select(p => (long)p.Length)];
        _realLast = realLast && !IsSelfConjugate((int)Modes[Last] - 1); // those have no imaginary part anyway
    }

    /// <summary>Modes an axis.</summary>
    public long[] Modes { get; }

    private int Last => _sizes.Length - 1;

    private ScalarType ComplexType => _type == ScalarType.Float64 ? ScalarType.ComplexFloat64 : ScalarType.ComplexFloat32;

    /// <summary>(batch, channels, d1, …, dN) → (k1, …, kN, batch, channels).</summary>
    public Tensor Down(Tensor x, SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        if (x.numel() == 0) // MKL refuses
            return zeros([.. Modes, x.shape[0], x.shape[1]], ComplexType, _device).MoveToOuterDisposeScope();
        var modes = how == SpectralTransform.Dft ? DownDft(x) : DownFft(x);
        // Modes in front: the product over channels is then one matrix product a mode. As a transposition of two axes it is a fast copy.
        return modes.view(x.shape[0] * x.shape[1], -1).t().contiguous().view([.. Modes, x.shape[0], x.shape[1]]).MoveToOuterDisposeScope();
    }

    /// <summary>(k1, …, kN, batch, channels) → (batch, channels, d1, …, dN).</summary>
    public Tensor Up(Tensor modes, SpectralTransform how)
    {
        using var scope = NewDisposeScope();
        var (batch, channels) = (modes.shape[^2], modes.shape[^1]);
        if (modes.numel() == 0)
            return zeros([batch, channels, .. _sizes], _complex ? ComplexType : _type, _device).MoveToOuterDisposeScope();
        var y = modes.reshape(-1, batch * channels).t().contiguous().view([batch, channels, .. Modes]);
        return (how == SpectralTransform.Dft ? UpDft(y) : UpFft(y)).MoveToOuterDisposeScope();
    }

    // ---- Fast Fourier transforms, one axis after the other; modes are dropped as soon as their axis is transformed. ----

    private Tensor DownFft(Tensor x)
    {
        var t = x;
        for (var j = Last; j >= 0; j--)
        {
            t = j == Last && !_complex ? fft.rfft(t, dim: j + 2) : fft.fft_(t, dim: j + 2);
            if (_places[j].Contains(-1))
            {
                // A mode that isn't there is 0.
                var all = t.shape;
                all[j + 2] = Modes[j];
                var present = t.index_select(j + 2, Places("places", j, At(j)));
                t = zeros(all, t.dtype, t.device).index_copy(j + 2, Places("rows", j, Present(j)), present);
            }
            else if (IsRange(j)) t = t.narrow(j + 2, 0, Modes[j]);
            else t = t.index_select(j + 2, Places("places", j, At(j)));
            if (j == Last) t = DropLastImaginary(t);
        }
        return Weigh(t, "down", k => _weights[k]);
    }

    private Tensor UpFft(Tensor modes)
    {
        // irfft counts modes whose conjugate is left out twice.
        var t = Weigh(modes, "up", k => _complex || IsSelfConjugate(k) ? _weights[k] : _weights[k] / 2);
        for (var j = 0; j <= Last; j++)
        {
            var spectrum = j == Last && !_complex ? _sizes[j] / 2 + 1 : _sizes[j];
            if (j == Last) t = DropLastImaginary(t);
            if (_places[j].Contains(-1)) t = t.index_select(j + 2, Places("rows", j, Present(j)));
            var all = t.shape;
            all[j + 2] = spectrum;
            if (!IsRange(j)) t = zeros(all, t.dtype, t.device).index_copy(j + 2, Places("places", j, At(j)), t);
            t = j == Last && !_complex // which pads with zeros by itself
                ? fft.irfft(t, _sizes[j], j + 2, FFTNormType.Forward)
                : fft.ifft(t, _sizes[j], j + 2, FFTNormType.Forward);
        }
        return t;
    }

    private Tensor Weigh(Tensor modes, string direction, Func<int, double> weight)
    {
        var last = (int)Modes[Last];
        if (Enumerable.Range(0, last).All(k => weight(k) == 1)) return modes;
        var pairs = Constant(direction + " weights", 0, () =>
        {
            var values = new double[2 * last];
            for (var k = 0; k < last; k++) values[2 * k] = values[2 * k + 1] = weight(k);
            return tensor(values, [last, 2], _type, _device);
        });
        return (modes.view_as_real() * pairs).view_as_complex();
    }

    // Between the transforms of the last axis and of the others, as there the numbers are real on one side only.
    private Tensor DropLastImaginary(Tensor modes)
    {
        if (!_realLast) return modes;
        var pairs = Constant("real last", 0, () =>
        {
            var mask = ones([Modes[Last], 2], _type, _device);
            mask[-1, 1] = 0;
            return mask;
        });
        return (modes.view_as_real() * pairs).view_as_complex();
    }

    // ---- Products with the rows of the Fourier matrices that belong to the modes. ----

    private Tensor DownDft(Tensor x)
    {
        var t = _complex
            ? mm(x.reshape(-1, _sizes[Last]), Waves(Last, -1).t())
            : mm(x.reshape(-1, _sizes[Last]), RealWaves()).view(-1, Modes[Last], 2).view_as_complex();
        for (var j = Last - 1; j >= 0; j--) t = Along(j, Waves(j, -1), t, _sizes[j]);
        return t;
    }

    private Tensor UpDft(Tensor modes)
    {
        var t = modes;
        for (var j = 0; j < Last; j++) t = Along(j, Waves(j, 1).t(), t, Modes[j]);
        var shape = modes.shape;
        for (var j = 0; j <= Last; j++) shape[j + 2] = _sizes[j];
        return (_complex
            ? mm(t.reshape(-1, Modes[Last]), Waves(Last, 1))
            : mm(t.reshape(-1, Modes[Last]).view_as_real().view(-1, 2 * Modes[Last]), RealWaves().t())).view(shape);
    }

    // Multiplies axis j of a tensor whose axes after it are modes, those before it points.
    private Tensor Along(int j, Tensor matrix, Tensor t, long length)
    {
        var after = Modes[(j + 1)..].Aggregate(1L, (a, b) => a * b);
        var columns = t.view(-1, length, after);
        return bmm(matrix.expand(columns.shape[0], -1, -1), columns);
    }

    // Rows e^{±2πi k x}; complex data have their weights here too.
    private Tensor Waves(int axis, int sign) => Constant(sign > 0 ? "up" : "down", axis, () =>
    {
        var waves = Table(axis, (_, turn) => (Math.Cos(2 * Math.PI * turn), sign * Math.Sin(2 * Math.PI * turn)));
        return waves.view_as_complex();
    });

    // (points, 2·modes): columns w cos, −w sin, the same for both directions.
    private Tensor RealWaves() => Constant("real", Last, () =>
    {
        bool IsReal(int k) => IsSelfConjugate(k) || (_realLast && k == Modes[Last] - 1);
        var waves = Table(Last, (k, turn) => (Math.Cos(2 * Math.PI * turn), IsReal(k) ? 0 : -Math.Sin(2 * Math.PI * turn)));
        return waves.permute(1, 0, 2).flatten(1).contiguous();
    });

    private Tensor Table(int axis, Func<int, double, (double, double)> wave)
    {
        var (count, size) = ((int)Modes[axis], _sizes[axis]);
        var table = new double[count * size * 2];
        for (var k = 0; k < count; k++)
        {
            if (_places[axis][k] < 0) continue;
            var weight = axis == Last ? _weights[k] : 1;
            for (var x = 0L; x < size; x++)
            {
                // The product is reduced first, so that the angle is exact for long axes too.
                var (a, b) = wave(k, (double)(_places[axis][k] * x % size) / size);
                var at = 2 * (k * size + x);
                (table[at], table[at + 1]) = (weight * a, weight * b);
            }
        }
        // TorchSharp's tensors of arrays live in the array's memory, which isn't aligned as complex numbers must be.
        return tensor(table, [count, size, 2], _type, _device).clone();
    }

    // Frequency 0 or Nyquist of the last axis.
    private bool IsSelfConjugate(int k) => _places[Last][k] < 0 || 2 * _places[Last][k] % _sizes[Last] == 0;

    private bool IsRange(int axis) => _places[axis].Select((p, i) => p == i).All(same => same)
        && (axis == Last && !_complex || _places[axis].Length == _sizes[axis]);

    private long[] At(int axis) => [.. _places[axis].Where(p => p >= 0)];

    private long[] Present(int axis) =>
        [.. Enumerable.Range(0, _places[axis].Length).Where(i => _places[axis][i] >= 0).Select(i => (long)i)];

    private Tensor Places(string kind, int axis, long[] values) => Constant(kind, axis, () => tensor(values, device: _device));

    private Tensor Constant(string kind, int axis, Func<Tensor> make)
    {
        lock (_constants)
        {
            if (!_constants.TryGetValue((kind, axis), out var constant))
            {
                using var off = no_grad();
                // Made in an evaluation, it must serve training too.
                using var trainable = inference_mode(false);
                using var scope = NewDisposeScope();
                _constants[(kind, axis)] = constant = make().DetachFromDisposeScope();
            }
            return constant;
        }
    }

    public void Dispose()
    {
        foreach (var constant in _constants.Values) constant.Dispose();
        _constants.Clear();
    }
}
