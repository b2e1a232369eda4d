using System.Reflection;
using NUnit.Framework;
using PublicApiGenerator;

namespace TorchZoo.Testing;

/// <summary>
/// The public API as it was approved, a file for each namespace in <c>tests/data/api</c>: no change to it goes unseen. With the environment
/// variable <c>TORCHZOO_APPROVE=1</c> the tests write the files instead.
/// </summary>
public static class ApprovedApi
{
    private const string Approve = "TORCHZOO_APPROVE";

    /// <summary>The namespaces of an assembly with public types.</summary>
    public static IEnumerable<string> Namespaces(Assembly assembly) =>
        assembly.GetExportedTypes().Select(t => t.Namespace!).Distinct().Order(StringComparer.Ordinal);

    /// <summary>Compares a namespace with what was approved.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="name">The namespace.</param>
    public static void Check(Assembly assembly, string name)
    {
        var actual = assembly.GeneratePublicApi(new ApiGeneratorOptions
        {
            IncludeAssemblyAttributes = false,
            IncludeTypes = [.. assembly.GetExportedTypes().Where(t => t.Namespace == name)],
            DenyNamespacePrefixes = [],
        }).ReplaceLineEndings("\n");
        var path = Path.Combine(Sources.Root, "tests", "data", "api", $"{name}.txt");
        if (Environment.GetEnvironmentVariable(Approve) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }
        var approved = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        if (actual == approved) return;
        string[] now = actual.Split('\n'), before = approved.Split('\n');
        Assert.Fail($"The public API of {name} changed. If that is meant, run the tests once with {Approve}=1 and commit the files.\n"
            + string.Join("\n", before.Except(now).Select(l => $"- {l.Trim()}").Concat(now.Except(before).Select(l => $"+ {l.Trim()}")).Take(40)));
    }

    /// <summary>The namespaces that were approved.</summary>
    public static IEnumerable<string> Files() => Directory.EnumerateFiles(Path.Combine(Sources.Root, "tests", "data", "api"), "*.txt")
        .Select(f => Path.GetFileNameWithoutExtension(f)!);
}
