using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Finds and removes what a network's outputs hardly depend on.</summary>
/// <remarks>Scores go back from the outputs, which have 1: an edge has std(φ_{ij})/(std(subnode_j) + 10⁻⁴) of the score of where it ends, a node
/// the sum of its edges' (pykan's <c>attribute</c>).</remarks>
public static class KanPruner
{
    /// <summary>The scores.</summary>
    /// <param name="network">The network.</param>
    /// <param name="samples">(…, in), 2 at least.</param>
    /// <exception cref="ArgumentException">Too few samples.</exception>
    public static KanAttribution Attribute(Kan network, Tensor samples)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var config = network.Config;
        var x = KanConfig.Samples(samples, config.Nodes(0), 2, network.Layers[0].Grid.dtype, nameof(samples));
        var trace = network.Trace(x);
        var score = ones(config.Nodes(config.Width.Count - 1), x.dtype, x.device);
        List<Tensor> nodes = [score], edges = [];
        for (var l = network.Layers.Count - 1; l >= 0; l--)
        {
            var (adds, multiplies) = (config.Width[l + 1], config.Multiplications(l + 1));
            // A factor matters as much as the product.
            var bySubnode = cat([score.narrow(0, 0, adds), score.narrow(0, adds, multiplies).repeat_interleave(config.MultArity)]);
            var edge = trace.Edges[l].std([0]) / (trace.Subnodes[l].std([0]) + 1e-4).unsqueeze(1) * bySubnode.unsqueeze(1);
            score = edge.sum([0]);
            edges.Insert(0, edge.MoveToOuterDisposeScope());
            nodes.Insert(0, score);
        }
        return new KanAttribution([.. nodes.Select(n => n.MoveToOuterDisposeScope())], edges);
    }

    /// <summary>A copy without the inner nodes, and with the edges masked, whose scores are lower.</summary>
    /// <param name="network">The network.</param>
    /// <param name="samples">(…, in), 2 at least.</param>
    /// <param name="nodeThreshold">Of nodes; 0 keeps all.</param>
    /// <param name="edgeThreshold">Of edges; 0 keeps all.</param>
    /// <exception cref="ArgumentException">Too few samples, or no node of a layer would be left.</exception>
    public static Kan Prune(Kan network, Tensor samples, double nodeThreshold = 1e-2, double edgeThreshold = 3e-2)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var first = Attribute(network, samples);
        var last = first.Nodes.Count - 1;
        long[][] kept = [.. first.Nodes.Select((scores, l) => Kept(scores, l is 0 || l == last ? double.NegativeInfinity : nodeThreshold))];
        var pruned = Keep(network, kept);
        // Fewer edges end in what is left: their scores are others now.
        var second = Attribute(pruned, samples);
        for (var l = 0; l < pruned.Layers.Count; l++)
        {
            var keep = second.Edges[l].ge(edgeThreshold).to(pruned.Layers[l].Mask.dtype);
            pruned.Layers[l].Mask.mul_(keep.t());
            pruned.SymbolicLayers[l].Mask.mul_(keep);
        }
        return pruned;

        long[] Kept(Tensor scores, double threshold)
        {
            var values = scores.to(ScalarType.Float64).cpu().data<double>().ToArray();
            long[] kept = [.. Enumerable.Range(0, values.Length).Where(i => values[i] >= threshold).Select(i => (long)i)];
            return kept.Length > 0 ? kept
                : throw new ArgumentException($"No node of a layer reaches {threshold}; the best one has {values.Max():G3}", nameof(nodeThreshold));
        }
    }

    /// <summary>A copy with some nodes alone.</summary>
    /// <param name="network">The network.</param>
    /// <param name="nodes">Those that stay, of each layer in increasing order; all inputs and outputs.</param>
    /// <exception cref="ArgumentException">The nodes aren't as described.</exception>
    public static Kan Keep(Kan network, IReadOnlyList<IReadOnlyList<long>> nodes)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(nodes);
        var config = network.Config;
        if (nodes.Count != config.Width.Count || nodes.Where((n, l) => !IsSubset(n, config.Nodes(l), l == 0 || l == nodes.Count - 1)).Any())
            throw new ArgumentException("Expected increasing numbers of nodes of each layer, with all inputs and outputs", nameof(nodes));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        long[] adds = [.. nodes.Select((n, l) => (long)n.Count(i => i < config.Width[l]))];
        long[] multiplies = [.. nodes.Select((n, l) => n.Count - adds[l])];
        var subnodes = nodes.Select((n, l) => n.SelectMany(i => Subnodes(config, l, i)).ToArray()).ToArray();
        var symbols = (config.Symbols ?? []).Where(s => nodes[s.Layer].Contains(s.Input) && subnodes[s.Layer + 1].Contains(s.Output))
            .Select(s => s with { Input = At(nodes[s.Layer], s.Input), Output = At(subnodes[s.Layer + 1], s.Output) }).ToList();
        var result = network.Like(config with
        {
            Width = adds,
            MultWidth = multiplies.All(n => n == 0) ? null : multiplies,
            Symbols = symbols.Count == 0 ? null : symbols,
        });
        Kan.Copy(network, result, (name, from) =>
        {
            var parts = name.Split('.');
            var layer = int.Parse(parts.Length > 1 ? parts[1] : name[(name.LastIndexOf('_') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
            Tensor before = Index(nodes[layer]), after = Index(subnodes[layer + 1]);
            return parts switch
            {
                [_, _, "grid"] => from.index_select(0, before),
                ["act_fun", ..] => from.index_select(0, before).index_select(1, after),
                ["symbolic_fun", ..] => from.index_select(0, after).index_select(1, before),
                [var own] when own.StartsWith("subnode", StringComparison.Ordinal) => from.index_select(0, after),
                _ => from.index_select(0, Index(nodes[layer + 1])),
            };
        });
        return result;

        Tensor Index(IReadOnlyList<long> at) => tensor([.. at], ScalarType.Int64, network.Layers[0].Grid.device);

        static long At(IReadOnlyList<long> list, long value) => list.Select((v, i) => (v, i)).First(p => p.v == value).i;
    }

    private static bool IsSubset(IReadOnlyList<long> nodes, long count, bool all) => nodes.Count > 0 && (!all || nodes.Count == count)
        && nodes.All(n => n >= 0 && n < count) && nodes.Zip(nodes.Skip(1)).All(p => p.First < p.Second);

    private static IEnumerable<long> Subnodes(KanConfig config, int layer, long node)
    {
        var adds = config.Width[layer];
        if (node < adds) return [node];
        return Enumerable.Range(0, config.MultArity).Select(a => adds + (node - adds) * config.MultArity + a);
    }
}
