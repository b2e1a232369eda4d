namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>An entry of a zip archive whose headers were verified.</summary>
/// <param name="Name">Name.</param>
/// <param name="IsDeflated">Compressed, or stored as it is.</param>
/// <param name="Crc">CRC-32 of the contents; 0 if the writer didn't compute it.</param>
/// <param name="Position">First byte of the (compressed) data in the file.</param>
/// <param name="CompressedSize">Bytes in the file.</param>
/// <param name="Size">Bytes of the contents.</param>
internal sealed record ZipEntry(string Name, bool IsDeflated, uint Crc, long Position, long CompressedSize, long Size);
