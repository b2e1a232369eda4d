using NUnit.Framework;

namespace TorchZoo.Testing;

/// <summary>The sources that the tests were built from, where they still are beside them.</summary>
public static class Sources
{
    /// <summary>The folder of the solution; without it the test is ignored.</summary>
    public static string Root
    {
        get
        {
            if (Find() is { } folder) return folder;
            Assert.Ignore("the sources aren't here");
            return "";
        }
    }

    /// <summary>The folder of the solution, or null.</summary>
    public static string? Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TorchZoo.sln"))) folder = Path.GetDirectoryName(folder);
        return folder;
    }
}
