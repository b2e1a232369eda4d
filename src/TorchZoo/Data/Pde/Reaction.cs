using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>A pointwise term g(u) of an equation.</summary>
/// <param name="Value">g, element by element.</param>
/// <param name="Derivative">g', element by element.</param>
public sealed record Reaction(Func<Tensor, Tensor> Value, Func<Tensor, Tensor> Derivative);
