using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Compression;

/// <summary>What became of a network.</summary>
/// <param name="Model">The network with its sparse layers: the one that was given, or a new one around its layers if it was a layer or a
/// <c>Sequential</c> itself.</param>
/// <param name="Layers">What became of each layer that could be sparse.</param>
public sealed record SparseConversion(Module<Tensor, Tensor> Model, IReadOnlyList<SparseConversionLayer> Layers);

/// <summary>What became of a layer.</summary>
/// <param name="Name">Its name in the network.</param>
/// <param name="Sparsity">Share of zeros in its weight.</param>
/// <param name="DenseMilliseconds">Time of a forward and a backward pass as it was; null if it wasn't measured.</param>
/// <param name="SparseMilliseconds">As a sparse layer.</param>
/// <param name="IsSparse">Whether it is sparse now.</param>
/// <param name="Reason">Why, or why not.</param>
public sealed record SparseConversionLayer(string Name, double Sparsity, double? DenseMilliseconds, double? SparseMilliseconds, bool IsSparse,
    string Reason);
