using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;
using TorchSharp;

namespace TorchZoo.Testing;

/// <summary>A program in a text: what stands between <c>```csharp</c> and <c>```</c>, whole, as a reader would copy it into a project of his
/// own.</summary>
/// <param name="File">The text's path below the sources.</param>
/// <param name="Number">Which of its programs, from 1.</param>
/// <param name="Code">The program.</param>
public sealed record TextExample(string File, int Number, string Code)
{
    // What a new project has: ImplicitUsings.
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // TorchSharp was built for an older one; the SDK leaves the warning out, too.
    private const string OlderFramework = "CS1701";

    /// <summary>The programs of some texts.</summary>
    /// <param name="files">Paths below the sources.</param>
    public static IEnumerable<TextExample> In(IEnumerable<string> files)
    {
        if (Sources.Find() is not { } root) yield break;
        foreach (var file in files)
        {
            var parts = System.IO.File.ReadAllText(Path.Combine(root, file)).Split("```csharp\n");
            for (var i = 1; i < parts.Length; i++) yield return new(file, i, parts[i].Split("\n```")[0]);
        }
    }

    /// <summary>Compiles the program without warnings and runs it in an empty folder.</summary>
    public void Run()
    {
        using var code = new MemoryStream();
        var compilation = CSharpCompilation.Create($"Example{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(Usings), CSharpSyntaxTree.ParseText(Code)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable,
                specificDiagnosticOptions: [new(OlderFramework, ReportDiagnostic.Suppress)]));
        var result = compilation.Emit(code);
        Assert.That(result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning), Is.Empty, "what the compiler says");
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        var before = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = folder.Path;
            var main = Assembly.Load(code.ToArray()).EntryPoint!;
            main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, main.GetParameters().Length == 0 ? [] : [Array.Empty<string>()], null);
        }
        finally { Environment.CurrentDirectory = before; }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{File.Replace('/', '.')}-{Number}";
}
