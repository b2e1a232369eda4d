namespace TorchZoo.Data.Sources;

/// <summary>A file of a published data set, compared with what was published.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Fault">What is wrong with it; null: nothing.</param>
public sealed record CheckedFile(string Path, string? Fault);
