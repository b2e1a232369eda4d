using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Whether two networks compute the same.</summary>
public static class SymmetryProbe
{
    /// <summary>The largest difference of two networks' outputs.</summary>
    /// <param name="netA">One network.</param>
    /// <param name="netB">The other one.</param>
    /// <param name="x">Their input.</param>
    /// <exception cref="ArgumentException">Their outputs have different shapes, or there are none.</exception>
    public static double MaxDeviation(nn.Module<Tensor, Tensor> netA, nn.Module<Tensor, Tensor> netB, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(netA);
        ArgumentNullException.ThrowIfNull(netB);
        ArgumentNullException.ThrowIfNull(x);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (a, b) = (netA.call(x), netB.call(x));
        if (!a.shape.SequenceEqual(b.shape) || a.numel() == 0)
            throw new ArgumentException("Expected outputs of one shape, got "
                + $"({string.Join(", ", a.shape)}) and ({string.Join(", ", b.shape)})", nameof(netB));
        return (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
    }
}
