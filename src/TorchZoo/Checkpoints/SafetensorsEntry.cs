using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>A tensor as a safetensors header describes it.</summary>
/// <param name="Name">Name.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Shape.</param>
/// <param name="Position">First byte in the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, ScalarType Dtype, IReadOnlyList<long> Shape, long Position, long Length);
