using TorchZoo.Optimizers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Compression;

/// <summary>
/// Sets the weights of smallest magnitude to zero: of <c>nn.Linear</c>, <c>nn.Conv2d</c> and sparse layers, which then no longer store them.
/// Of dense layers the caller multiplies by the mask after each update, or makes them sparse.
/// </summary>
public static class MagnitudePruner
{
    /// <summary>The same sparsity for each layer: ⌈(1 − s) n⌉ of n weights stay.</summary>
    /// <param name="net">The network.</param>
    /// <param name="sparsity">s, in [0, 1]. Layers that are sparser already stay as they are.</param>
    /// <param name="optimizer">Whose momentum goes along with the weights of sparse layers; null: there is none yet.</param>
    /// <param name="skip">Names of layers to leave alone; null: none.</param>
    /// <returns>What was kept of each layer, by its name.</returns>
    public static IReadOnlyDictionary<string, Tensor> Uniform(Module net, double sparsity, FusedOptimizer? optimizer = null,
        IReadOnlySet<string>? skip = null)
    {
        ArgumentNullException.ThrowIfNull(net);
        using var off = no_grad();
        var masks = new Dictionary<string, Tensor>();
        foreach (var (name, layer) in Layers(net, skip))
        {
            using var scope = NewDisposeScope();
            var weight = PrunableLayers.WeightOf(layer);
            masks[name] = Keep(layer, SparsityMask.Magnitude(weight, sparsity) & Stored(layer, weight), optimizer).MoveToOuterDisposeScope();
        }
        return masks;
    }

    /// <summary>One threshold for all layers: of all their n weights together the ⌈(1 − s) n⌉ largest stay.</summary>
    /// <inheritdoc cref="Uniform"/>
    public static IReadOnlyDictionary<string, Tensor> Global(Module net, double sparsity, FusedOptimizer? optimizer = null,
        IReadOnlySet<string>? skip = null)
    {
        ArgumentNullException.ThrowIfNull(net);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var layers = Layers(net, skip).Select(l => (l.Name, l.Layer, Weight: PrunableLayers.WeightOf(l.Layer))).ToList();
        var masks = new Dictionary<string, Tensor>();
        if (layers.Count == 0) return masks;
        var all = cat([.. layers.Select(l => l.Weight.detach().abs().reshape(-1).cpu().to(ScalarType.Float64))], 0);
        var kept = SparsityMask.Largest(all, SparsityMask.Kept(all.numel(), sparsity));
        var at = 0L;
        foreach (var (name, layer, weight) in layers)
        {
            var mask = kept.narrow(0, at, weight.numel()).reshape(weight.shape).to(weight.device);
            at += weight.numel();
            masks[name] = Keep(layer, mask & Stored(layer, weight), optimizer).MoveToOuterDisposeScope();
        }
        return masks;
    }

    /// <summary>Share of zeros in all the layers that can be pruned; 0 if there are none.</summary>
    public static double Sparsity(Module net, IReadOnlySet<string>? skip = null)
    {
        ArgumentNullException.ThrowIfNull(net);
        long zeros = 0, all = 0;
        foreach (var (_, layer) in Layers(net, skip))
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            var count = layer is SparseLayer s ? s.DenseCount : PrunableLayers.WeightOf(layer).numel();
            all += count;
            zeros += count - (layer is SparseLayer sparse ? sparse.NonZeroCount : PrunableLayers.WeightOf(layer).count_nonzero().item<long>());
        }
        return all == 0 ? 0 : zeros / (double)all;
    }

    private static IEnumerable<(string Name, Module Layer)> Layers(Module net, IReadOnlySet<string>? skip) =>
        PrunableLayers.Of(net).Where(l => skip?.Contains(l.Name) is not true);

    // A weight that is stored may be zero; one that isn't is.
    private static Tensor Stored(Module layer, Tensor weight) => layer is SparseLayer sparse ? sparse.Mask().to(weight.device) : weight.ne(0);

    private static Tensor Keep(Module layer, Tensor mask, FusedOptimizer? optimizer)
    {
        if (layer is SparseLayer sparse)
        {
            if (mask.sum().item<long>() == sparse.NonZeroCount) return mask;
            using var before = sparse.ApplyFurtherMask(mask);
            optimizer?.Rearrange(sparse.StoredWeight, before);
        }
        else PrunableLayers.WeightOf(layer).mul_(mask);
        return mask;
    }
}
