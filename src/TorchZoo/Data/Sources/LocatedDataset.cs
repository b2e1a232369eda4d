namespace TorchZoo.Data.Sources;

/// <summary>A published data set's files on this machine.</summary>
public sealed class LocatedDataset
{
    private readonly IReadOnlyDictionary<string, string> _paths;

    internal LocatedDataset(string folder, IReadOnlyDictionary<string, string> paths) => (Folder, _paths) = (folder, paths);

    /// <summary>Where they are.</summary>
    public string Folder { get; }

    /// <summary>A file's path; the file may be unpacked.</summary>
    /// <param name="name">As its publisher calls it.</param>
    /// <exception cref="KeyNotFoundException">The data set has no such file.</exception>
    public string this[string name] => _paths[name];
}
