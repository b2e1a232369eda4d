namespace TorchZoo.Models.Neurons;

/// <summary>What <see cref="LayerCollinearity"/> finds in a layer.</summary>
/// <param name="Name">Name of the linear layer that takes these activations; <c>output</c>: none does.</param>
/// <param name="Units">Units that aren't constant.</param>
/// <param name="ShareAbove10">Share of the units with a variance inflation factor above 10.</param>
/// <param name="Mean">Mean of the factors.</param>
/// <param name="Median">Median of the factors.</param>
public sealed record LayerCollinearityReport(string Name, int Units, double ShareAbove10, double Mean, double Median);
