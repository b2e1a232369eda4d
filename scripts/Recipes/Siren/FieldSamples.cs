using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Values and derivatives of any network from coordinates (…, d) to channels; of Laplacians, one that isn't a Siren has only the
/// channels' sum.</summary>
internal static class FieldSamples
{
    // Values, gradients and Laplacians of so many points fit into memory at any width.
    private const long ChunkSize = 1 << 14;

    /// <summary>Value, gradient and, if asked for, Laplacian; differentiable by the network's parameters.</summary>
    public static FieldJet Jet(nn.Module<Tensor, Tensor> field, Tensor coords, bool laplacian)
    {
        // The sine network has them all in one pass; the others are differentiated backward, once or twice.
        if (field is Siren siren) return siren.Jet(coords, laplacian ? SecondOrder.Laplacian : SecondOrder.None);
        using var on = enable_grad();
        using var scope = NewDisposeScope();
        var x = coords.detach().requires_grad_();
        var y = field.call(x);
        var gradient = DifferentialOperators.Jacobian(y, x);
        var second = laplacian ? DifferentialOperators.Divergence(gradient.sum(-2), x).unsqueeze(-1)
            : zeros([.. y.shape, 0], device: y.device);
        return new FieldJet(y.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope(),
            second.MoveToOuterDisposeScope());
    }

    /// <summary>Values at the points (n, d), on the CPU. (n), or (n, channels) where there are several.</summary>
    public static Tensor Values(nn.Module<Tensor, Tensor> field, Tensor coords)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return cat(coords.split(ChunkSize).Select(c => field.call(c).squeeze(-1).cpu()).ToList()).MoveToOuterDisposeScope();
    }

    /// <summary>Values, norms of the gradients and, if asked for, Laplacians at the points (n, d), on the CPU. (n) each.</summary>
    public static (Tensor Values, Tensor Slopes, Tensor? Laplacians) Derivatives(nn.Module<Tensor, Tensor> field, Tensor coords,
        bool laplacian = true)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<(Tensor Value, Tensor Slope, Tensor Laplacian)>();
        foreach (var chunk in coords.split(ChunkSize))
        {
            using var inner = NewDisposeScope();
            var jet = Jet(field, chunk, laplacian);
            parts.Add((Kept(jet.Value.squeeze(-1)), Kept(jet.Gradient.squeeze(-2).norm(1)), Kept(jet.Second.reshape(chunk.shape[0], -1))));
        }
        return (cat(parts.Select(p => p.Value).ToList()).MoveToOuterDisposeScope(),
            cat(parts.Select(p => p.Slope).ToList()).MoveToOuterDisposeScope(),
            laplacian ? cat(parts.Select(p => p.Laplacian).ToList()).squeeze(-1).MoveToOuterDisposeScope() : null);

        static Tensor Kept(Tensor x) => x.detach().cpu().MoveToOuterDisposeScope();
    }
}
