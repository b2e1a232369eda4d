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

    /// <summary>A convolution with a kernel of <paramref name="kernel"/> points along each of <paramref name="axes"/> axes.</summary>
    /// <exception cref="ArgumentException">A number isn't positive, or there are more than three axes.</exception>
    public LocalConv(long inChannels, long outChannels, int axes, long kernel) : base(nameof(LocalConv))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        FnoConfig.Positive(kernel, nameof(kernel));
        if (axes is < 1 or > 3) throw new ArgumentException($"Expected one to three axes, got {axes}", nameof(axes));
        _weight = Parameter(empty([outChannels, inChannels, .. Enumerable.Repeat(kernel, axes)]));
        init.kaiming_uniform_(_weight, Math.Sqrt(5)); // PyTorch's default for convolutions: uniform in ±1/√fan-in
        _padding = [.. Enumerable.Repeat(new[] { (kernel - 1) / 2, kernel / 2 }, axes).SelectMany(p => p)];
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Convolve(functional.pad(x, _padding), _weight).MoveToOuterDisposeScope();
    }

    /// <summary>A convolution as one matrix product with the windows of the input.</summary>
    /// <remarks>libtorch's own isn't used: in float32 on CPUs the oneDNN inside libtorch 2.10 can give wrong gradients with respect to the
    /// input for kernels wider than 1 and few channels. Few large operations also suffer least on a machine that others use too.</remarks>
    /// <param name="padded">(batch, in, (d1 − 1) · stride + k, …).</param>
    /// <param name="weight">(out, in, k, …), the same k along each axis.</param>
    /// <param name="stride">Points from one window to the next.</param>
    /// <returns>(batch, out, d1, …)</returns>
    internal static Tensor Convolve(Tensor padded, Tensor weight, long stride = 1)
    {
        var (axes, kernel) = ((int)padded.dim() - 2, weight.shape[2]);
        var windows = padded;
        for (var j = 0; j < axes; j++) windows = windows.unfold(j + 2, kernel, stride); // (batch, in, d1, …, k, …)
        var sizes = windows.shape[2..(2 + axes)];
        long[] kernelFirst = [0, 1, .. Enumerable.Range(2 + axes, axes).Concat(Enumerable.Range(2, axes)).Select(d => (long)d)];
        var columns = windows.permute(kernelFirst).flatten(2 + axes).flatten(1, 1 + axes);
        return bmm(weight.flatten(1).expand(padded.shape[0], -1, -1), columns).unflatten(2, sizes);
    }
}
