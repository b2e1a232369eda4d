using NUnit.Framework;
using TorchZoo.Testing;

namespace TorchZoo.Models.Tests;

/// <summary>The programs in the README, the cards and the documentation are whole, compile and run.</summary>
public class TextExampleTests
{
    private static IEnumerable<TextExample> Examples()
    {
        if (Sources.Find() is not { } root) return [];
        string[] texts = ["README.md", "src/TorchZoo/README.md", .. Below("docs"), .. Below("models").Where(f => Path.GetFileName(f) == "README.md")];
        return TextExample.In(texts);

        IEnumerable<string> Below(string folder) => !Directory.Exists(Path.Combine(root, folder)) ? []
            : Directory.EnumerateFiles(Path.Combine(root, folder), "*.md", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(root, f).Replace('\\', '/')).Order(StringComparer.Ordinal);
    }

    [TestCaseSource(nameof(Examples))]
    public void Runs(TextExample example) => example.Run();

    [Test]
    public void EveryCardHasOne() => Assert.That(Zoo.List().Where(p => p.Card()?.Contains("```csharp\n", StringComparison.Ordinal) != true)
        .Select(p => p.Slug), Is.Empty);
}
