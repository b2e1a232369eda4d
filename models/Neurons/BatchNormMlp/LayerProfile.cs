namespace TorchZoo.Models.Neurons;

/// <summary>What <see cref="GradientProfile"/> finds at a linear layer.</summary>
/// <param name="Name">The layer's name in the network.</param>
/// <param name="Gradient">‖∂L/∂W‖_F.</param>
/// <param name="WeightGap">The isometry gap of its weight: of the shorter side's vectors.</param>
/// <param name="LinearGap">The isometry gap of what it gives.</param>
/// <param name="NormGap">The isometry gap behind the normalisation that follows it; null: none follows.</param>
/// <param name="ActivationGap">The isometry gap behind the activation that follows it; null: none follows.</param>
public sealed record LayerProfile(string Name, double Gradient, double WeightGap, double LinearGap, double? NormGap, double? ActivationGap);
