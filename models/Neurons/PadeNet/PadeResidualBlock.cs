using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>Two convolutions of Padé neurons beside a skip connection, without activations or normalisation: y = x + Paon_2(Paon_1(x)).
/// (batch, channels, height, width) → the same. State names: <c>paon1.*</c>, <c>paon2.*</c>.</summary>
/// <remarks>Source: Keleş and Tekalp 2024, section 3.</remarks>
public sealed class PadeResidualBlock : Module<Tensor, Tensor>
{
    private readonly PadeConv2d paon1, paon2;

    /// <summary>A block with fresh weights.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="kernelSize">Rows and columns of a kernel, odd.</param>
    /// <param name="numeratorOrder">K ≥ 1.</param>
    /// <param name="denominatorOrder">L ≥ 0; ≥ 1 for the smoothed variant.</param>
    /// <param name="variant">How the neurons divide.</param>
    /// <param name="learnShift">Whether channels are moved by learned offsets.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PadeResidualBlock(long channels, long kernelSize = 3, int numeratorOrder = 1, int denominatorOrder = 1,
        PadeVariant variant = PadeVariant.Smoothed, bool learnShift = false, Generator? generator = null) : base(nameof(PadeResidualBlock))
    {
        if (kernelSize % 2 == 0) throw new ArgumentOutOfRangeException(nameof(kernelSize), kernelSize, "must be odd");
        paon1 = Layer();
        paon2 = Layer();
        RegisterComponents();

        PadeConv2d Layer() => new(channels, channels, kernelSize, numeratorOrder, denominatorOrder, variant, learnShift: learnShift,
            generator: generator);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another form.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x + paon2.call(paon1.call(x))).MoveToOuterDisposeScope();
    }
}
