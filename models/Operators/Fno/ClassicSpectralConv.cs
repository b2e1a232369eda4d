using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The spectral convolution of the paper's scripts: a weight tensor (in, out, m1, …, mN, 2) for each combination of signs on all axes but
/// the
/// last, <c>weights1</c>, <c>weights2</c>, … (bit b of the number less one: axis b is negative). See <see cref="SpectralConv"/> for the
/// sum.
/// </summary>
public sealed class ClassicSpectralConv : Module<Tensor, Tensor>
{
    private readonly SpectralPlanCache _plans = new();
    private readonly long _inChannels;
    private readonly long[] _modes;

    /// <summary>Fresh weights, both parts uniform in [0, 1/(in·out)).</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="modes">Modes an axis, counting one sign.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public ClassicSpectralConv(long inChannels, long outChannels, IReadOnlyList<long> modes) : base(nameof(ClassicSpectralConv))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        if (modes.Count == 0 || modes.Any(m => m < 1))
            throw new ArgumentException(
                $"Expected a positive number of modes for each axis, got [{string.Join(", ", modes)}]", nameof(modes));
        _inChannels = inChannels;
        _modes = [.. modes.SkipLast(1).Select(m => 2 * m), modes[^1]];
        for (var i = 0; i < 1 << (modes.Count - 1); i++)
            register_parameter($"weights{i + 1}", Parameter(rand([inChannels, outChannels, .. modes, 2]) / (inChannels * outChannels)));
    }

    /// <summary>Which of the ways to transform is used.</summary>
    public SpectralTransform Transform { get; set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Wrong number of axes or channels, or a grid that doesn't have all modes.</exception>
    public override Tensor forward(Tensor x)
    {
        if (x.dim() != _modes.Length + 2 || x.shape[1] != _inChannels)
            throw new ArgumentException(
                $"Expected (batch, {_inChannels} channels) and {_modes.Length} axes, got [{string.Join(", ", x.shape)}]", nameof(x));
        if (x.shape[2..^1].Zip(_modes).Any(p => p.First < p.Second) || x.shape[^1] / 2 + 1 < _modes[^1])
            throw new ArgumentException(
                $"The grid [{string.Join(", ", x.shape[2..])}] doesn't have all [{string.Join(", ", _modes)}] modes", nameof(x));
        using var scope = NewDisposeScope();
        // Fourier transforms have no 16-bit form.
        using var full = Autocast.Disable(x.device);
        x = Autocast.ToFullPrecision(x);
        var plan = _plans.For(x, x.shape[2..], _modes, _modes, true);
        var how = SpectralCost.Choose(Transform, x, _modes);
        var weights = Enumerable.Range(1, 1 << (_modes.Length - 1)).Select(i => get_parameter($"weights{i}")!.view_as_complex()).ToArray();
        var order = Enumerable.Range(2, _modes.Length).Select(a => (long)a);
        var product = matmul(ModeFunctions.Down(plan.Input, x, how), LegacyFnoConverter.Join(weights).permute([.. order, 0, 1]));
        return ModeFunctions.Up(plan.Output, product, how).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _plans.Dispose();
        base.Dispose(disposing);
    }
}
