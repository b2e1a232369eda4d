namespace TorchZoo.Models.Neurons;

/// <summary>How quadratic a layer has become; both are 0 in an ordinary one.</summary>
/// <param name="Layer">The layer's name in its network; empty for a layer by itself.</param>
/// <param name="Gate">Norm of (w^g, b^g − 1); 0 without a gate.</param>
/// <param name="Square">Norm of (w^b, b^b).</param>
public sealed record QuadraticNorm(string Layer, double Gate, double Square);
