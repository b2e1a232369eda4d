namespace TorchZoo.Checkpoints;

/// <summary>What is in a safetensors file, without its data.</summary>
/// <param name="Tensors">The tensors, in the order of the header.</param>
/// <param name="Metadata">The file's <c>__metadata__</c>; empty if it has none.</param>
public sealed record SafetensorsHeader(IReadOnlyList<SafetensorsEntry> Tensors, IReadOnlyDictionary<string, string> Metadata);
