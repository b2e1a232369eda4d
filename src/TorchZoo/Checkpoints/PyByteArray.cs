namespace TorchZoo.Checkpoints;

/// <summary>A Python <c>bytearray</c>; <c>bytes</c> are <c>byte[]</c>.</summary>
/// <param name="Bytes">The bytes.</param>
public sealed record PyByteArray(byte[] Bytes);
