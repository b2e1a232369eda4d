using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>How much the outputs depend on nodes and edges.</summary>
/// <param name="Nodes">Of each layer of nodes, inputs and outputs included: (nodes).</param>
/// <param name="Edges">Of each layer of edges: (subnodes, nodes).</param>
public sealed record KanAttribution(IReadOnlyList<Tensor> Nodes, IReadOnlyList<Tensor> Edges);
