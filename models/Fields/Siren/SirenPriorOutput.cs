using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="SirenPrior"/> computes.</summary>
/// <param name="Values">Values of the fields (batch, points, c).</param>
/// <param name="Latent">Latent vectors (batch, latent).</param>
/// <param name="Parameters">The fields' parameters, by name, with a batch axis in front.</param>
public sealed record SirenPriorOutput(Tensor Values, Tensor Latent, IReadOnlyDictionary<string, Tensor> Parameters);
