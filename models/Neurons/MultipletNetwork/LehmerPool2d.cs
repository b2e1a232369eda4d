using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Pooling by a Lehmer mean whose exponent each channel learns: 1 is average pooling, great exponents are maximum pooling, and the number
/// tells which one a task wants. (batch, channels, height, width) → (batch, channels, height/k, width/k), windows side by side. State name
/// <c>exponent</c> (channels).
/// </summary>
/// <remarks>An application of Frick 2020's mean; inputs below ε become ε: put it behind a ReLU.</remarks>
public sealed class LehmerPool2d : Module<Tensor, Tensor>
{
    [ComponentName(Name = "exponent")]
    private readonly Parameter _exponent;
    private readonly double _eps;

    /// <summary>A layer.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="size">k: rows and columns of a window. What is left at the edges is dropped.</param>
    /// <param name="exponent">Each channel's exponent before training.</param>
    /// <param name="eps">Least input that counts, &gt; 0.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public LehmerPool2d(long channels, long size, double exponent = 2, double eps = 1e-6) : base(nameof(LehmerPool2d))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (!double.IsFinite(exponent)) throw new ArgumentOutOfRangeException(nameof(exponent), exponent, "must be finite");
        if (!(eps > 0) || !double.IsFinite(eps)) throw new ArgumentOutOfRangeException(nameof(eps), eps, "must be > 0");
        (Channels, Size, _eps) = (channels, size, eps);
        _exponent = new Parameter(full(channels, exponent, ScalarType.Float32));
        RegisterComponents();
    }

    /// <summary>Channels.</summary>
    public long Channels { get; }

    /// <summary>Rows and columns of a window.</summary>
    public long Size { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">It isn't (batch, channels, height, width), or smaller than a window.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4 || x.shape[1] != Channels || x.shape[2] < Size || x.shape[3] < Size)
            throw new ArgumentException($"Expected (batch, {Channels}, ≥ {Size}, ≥ {Size}), got ({string.Join(", ", x.shape)})", nameof(x));
        return Ensemble.InFullPrecision(x, wide =>
        {
            using var scope = NewDisposeScope();
            var (rows, columns) = (x.shape[2] / Size, x.shape[3] / Size);
            var windows = wide.narrow(2, 0, rows * Size).narrow(3, 0, columns * Size).clamp_min(_eps)
                .reshape(x.shape[0], Channels, rows, Size, columns, Size).permute(0, 1, 2, 4, 3, 5).flatten(-2);
            var s = Autocast.ToFullPrecision(get_parameter("exponent")!).reshape(Channels, 1, 1);
            return LehmerMean.Evaluate(windows, ones(1, windows.dtype, windows.device), s).MoveToOuterDisposeScope();
        });
    }
}
