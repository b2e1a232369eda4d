using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Appends the coordinates of the unit box as channels: (batch, C, d1, …, dN) → (batch, C + N, d1, …, dN), channel C + j being i_j/d_j
/// (the end point left out, as on a periodic grid).
/// </summary>
public sealed class GridEmbedding() : Module<Tensor, Tensor>(nameof(GridEmbedding))
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var sizes = x.shape[2..];
        var parts = new List<Tensor> { x };
        for (var j = 0; j < sizes.Length; j++)
        {
            var shape = Enumerable.Repeat(1L, x.shape.Length).ToArray();
            shape[j + 2] = sizes[j];
            var real = x.is_complex() ? SpectralPlan.RealType(x.dtype) : x.dtype;
            var coordinate = linspace(0, 1, sizes[j] + 1, real, x.device).narrow(0, 0, sizes[j]).to(x.dtype);
            parts.Add(coordinate.view(shape).expand([x.shape[0], 1, .. sizes]));
        }
        return cat(parts, 1).MoveToOuterDisposeScope();
    }
}
