using TorchSharp;
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

    /// <summary>A convolution with a kernel of <paramref name="kernel"/> points along each of <paramref name="axes"/> axes.</summary>
    /// <exception cref="ArgumentException">A number isn't positive, or there are more than three axes.</exception>
    public LocalConv(long inChannels, long outChannels, int axes, long kernel) : base(nameof(LocalConv))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        FnoConfig.Positive(kernel, nameof(kernel));
        if (axes is < 1 or > 3) throw new ArgumentException($"Expected one to three axes, got {axes}", nameof(axes));
        _axes = axes;
        _weight = Parameter(empty([outChannels, inChannels, .. Enumerable.Repeat(kernel, axes)]));
        init.kaiming_uniform_(_weight, Math.Sqrt(5)); // PyTorch's default for convolutions: uniform in ±1/√fan-in
        _padding = [.. Enumerable.Repeat(new[] { (kernel - 1) / 2, kernel / 2 }, axes).SelectMany(p => p)];
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var padded = functional.pad(x, _padding);
        var y = _axes switch
        {
            1 => functional.conv1d(padded, _weight),
            2 => functional.conv2d(padded, _weight),
            _ => functional.conv3d(padded, _weight),
        };
        return y.MoveToOuterDisposeScope();
    }
}
