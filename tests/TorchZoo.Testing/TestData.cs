namespace TorchZoo.Testing;

/// <summary>Small files in <c>tests/data</c> that other tools wrote; README.md there says which and how.</summary>
public static class TestData
{
    private static readonly string Root = Find();

    /// <summary>The path of a file, e.g. <c>matlab/level5.mat</c>.</summary>
    public static string PathOf(string name) => Path.Combine(Root, name);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "data") is var path && Directory.Exists(path)) return path;
        throw new DirectoryNotFoundException($"No tests/data in {AppContext.BaseDirectory} or a folder above it");
    }
}
