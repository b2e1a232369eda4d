using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The weighted terms of an <see cref="EikonalSdfLoss"/>.</summary>
/// <param name="Surface">|Φ| on the surface.</param>
/// <param name="OffSurface">Nearness to 0 off it.</param>
/// <param name="Normals">1 − cos(∇Φ, n) on the surface.</param>
/// <param name="Eikonal">|‖∇Φ‖ − 1|</param>
public sealed record SdfLossTerms(Tensor Surface, Tensor OffSurface, Tensor Normals, Tensor Eikonal);
