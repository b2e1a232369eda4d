namespace TorchZoo.Testing;

/// <summary>
/// Where the golden files are: in the folder that the environment variable <c>TORCHZOO_GOLDENS</c> names, else in
/// <c>tests/data/goldens</c>. Tests enumerate what is there and know no file or case by name.
/// </summary>
public static class Goldens
{
    /// <summary>The root folder.</summary>
    /// <exception cref="DirectoryNotFoundException">It isn't there.</exception>
    public static string Directory { get; } = Find();

    /// <summary>Folder of a family, e.g. <c>"fno"</c> or <c>"pt-files"</c>.</summary>
    public static string Folder(string family) => Path.Combine(Directory, family);

    /// <summary>Full paths of the files of a family, sorted; empty if the folder isn't there.</summary>
    public static IReadOnlyList<string> Files(string family, string pattern) => !System.IO.Directory.Exists(Folder(family)) ? [] :
        [.. System.IO.Directory.GetFiles(Folder(family), pattern).Order(StringComparer.Ordinal)];

    /// <summary>Full paths of the case folders of a family (those with a <c>case.json</c>), sorted; empty if there are none.</summary>
    public static IReadOnlyList<string> Cases(string family) => !System.IO.Directory.Exists(Folder(family)) ? [] :
        [.. System.IO.Directory.GetDirectories(Folder(family)).Where(d => File.Exists(Path.Combine(d, "case.json")))
            .Order(StringComparer.Ordinal)];

    /// <summary>What a test is named after: <c>family/file</c>.</summary>
    public static string Label(string path) => $"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}";

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("TORCHZOO_GOLDENS") is { Length: > 0 } named)
            return System.IO.Directory.Exists(named) ? Path.GetFullPath(named)
                : throw new DirectoryNotFoundException($"TORCHZOO_GOLDENS names '{named}', which is no folder");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "data", "goldens") is var path && System.IO.Directory.Exists(path))
                return path;
        throw new DirectoryNotFoundException($"No tests/data/goldens in {AppContext.BaseDirectory} or a folder above it");
    }
}
