using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>What goes on in a <see cref="Kan"/> for some samples, layer by layer.</summary>
/// <param name="Inputs">What each layer of edges gets: (N, nodes).</param>
/// <param name="Edges">What each edge gives: (N, subnodes, nodes).</param>
/// <param name="Subnodes">Their sums: (N, subnodes).</param>
/// <param name="Output">What the network gives: (N, out).</param>
public sealed record KanTrace(IReadOnlyList<Tensor> Inputs, IReadOnlyList<Tensor> Edges, IReadOnlyList<Tensor> Subnodes, Tensor Output);
