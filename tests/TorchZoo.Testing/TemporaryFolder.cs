namespace TorchZoo.Testing;

/// <summary>A folder for one test; it goes with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Its path.</summary>
    public string Path { get; } = System.IO.Directory.CreateTempSubdirectory("torchzoo-test-").FullName;

    /// <summary>Path of a file in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Names of the files in it, hidden ones too, sorted.</summary>
    public IReadOnlyList<string> Files =>
        [.. new DirectoryInfo(Path).GetFiles("*", new EnumerationOptions { AttributesToSkip = 0 }).Select(f => f.Name)
            .Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public void Dispose() => System.IO.Directory.Delete(Path, recursive: true);
}
