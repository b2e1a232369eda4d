using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>What one layer computed.</summary>
/// <param name="PreActivation">What its activation was applied to: ω₀ (W x + b) in a sine layer. (…, width)</param>
/// <param name="Output">The layer's output. (…, width)</param>
public sealed record LayerActivations(Tensor PreActivation, Tensor Output);
