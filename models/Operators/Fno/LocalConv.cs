using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>A linear skip that sees neighbours: a convolution without bias over one to three axes that keeps the grid (zeros outside;
/// an even kernel reaches one point further at the end).</summary>
public sealed class LocalConv : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;
    private readonly long[] _padding;
    private readonly int _axes;
    private readonly int _kernel;

    /// <summary>A convolution with a kernel of <paramref name="kernel"/> points along each of <paramref name="axes"/> axes.</summary>
    /// <exception cref="ArgumentException">A number isn't positive, or there are more than three axes.</exception>
    public LocalConv(long inChannels, long outChannels, int axes, long kernel) : base(nameof(LocalConv))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        FnoConfig.Positive(kernel, nameof(kernel));
        if (axes is < 1 or > 3) throw new ArgumentException($"Expected one to three axes, got {axes}", nameof(axes));
        (_axes, _kernel) = (axes, (int)kernel);
        _weight = Parameter(empty([outChannels, inChannels, .. Enumerable.Repeat(kernel, axes)]));
        init.kaiming_uniform_(_weight, Math.Sqrt(5)); // PyTorch's default for convolutions: uniform in ±1/√fan-in
        _padding = [.. Enumerable.Repeat(new[] { (kernel - 1) / 2, kernel / 2 }, axes).SelectMany(p => p)];
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <remarks>A sum of point-wise maps, one an offset. libtorch's own convolution isn't used: in float32 on CPUs the oneDNN inside
    /// libtorch 2.10 gives wrong gradients with respect to the input for kernels wider than 1 and few channels.</remarks>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var sizes = x.shape[2..];
        var padded = functional.pad(x, _padding);
        var taps = _weight.flatten(2);
        Tensor? sum = null;
        for (var tap = 0; tap < taps.shape[2]; tap++)
        {
            var shifted = padded;
            for (int j = _axes - 1, offset = tap; j >= 0; j--, offset /= _kernel)
                shifted = shifted.narrow(j + 2, offset % _kernel, sizes[j]);
            var term = Pointwise.Conv(shifted.flatten(2), taps.narrow(2, tap, 1), null);
            sum = sum is null ? term : sum + term;
        }
        return sum!.unflatten(2, sizes).MoveToOuterDisposeScope();
    }
}
