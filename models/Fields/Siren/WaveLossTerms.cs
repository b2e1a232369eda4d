using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The weighted terms of a <see cref="WaveLoss"/>.</summary>
/// <param name="Equation">|u_tt − c²Δu|</param>
/// <param name="Dirichlet">|u − u₀| at the beginning.</param>
/// <param name="Neumann">|u_t| at the beginning.</param>
public sealed record WaveLossTerms(Tensor Equation, Tensor Dirichlet, Tensor Neumann);
