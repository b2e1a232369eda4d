using System.Reflection;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>
/// The text of CUDA kernels. A kernel is a <c>__global__</c> function, usually a template; one of its instances is named as in C++,
/// <c>forward&lt;float&gt;</c>, and is compiled when it is first asked for.
/// </summary>
/// <remarks>
/// <para>Sources are embedded in the assembly that uses them, under the name <c>cuda/FILE</c>; this repository's build does that with each
/// <c>.cu</c> and <c>.cuh</c> file of a project. Elsewhere:
/// <c>&lt;EmbeddedResource Include="**/*.cu;**/*.cuh" LogicalName="cuda/%(Filename)%(Extension)" /&gt;</c>.</para>
/// <para>They can include <c>torchzoo.cuh</c> (reductions, scans, 16-bit types, loads of 16 bytes) and their assembly's own headers; there
/// are no system headers. Lines that begin with <c>// instantiate:</c> list the instances that are used, which the tests compile for all
/// architectures; braces stand for each of their alternatives: <c>// instantiate: forward&lt;{float,double}&gt;</c>.</para>
/// </remarks>
public sealed partial class CudaSource
{
    private const string Prefix = "cuda/";

    private static readonly Lazy<Dictionary<string, string>> OwnHeaders = new(() => HeadersOf(typeof(CudaSource).Assembly));

    /// <summary>A source that isn't embedded.</summary>
    /// <param name="name">What the compiler calls it in its messages, e.g. <c>scan.cu</c>.</param>
    /// <param name="text">CUDA C++</param>
    /// <param name="headers">Texts of headers by the names under which they are included, beside those of TorchZoo; null: none.</param>
    public CudaSource(string name, string text, IReadOnlyDictionary<string, string>? headers = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(text);
        (Name, Text) = (name, text);
        var all = new Dictionary<string, string>(OwnHeaders.Value, StringComparer.Ordinal);
        foreach (var (header, content) in headers ?? new Dictionary<string, string>()) all[header] = content;
        Headers = all;
    }

    /// <summary>What the compiler calls it in its messages.</summary>
    public string Name { get; }

    /// <summary>CUDA C++</summary>
    public string Text { get; }

    /// <summary>The headers that can be included.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Options of the compiler, e.g. <c>-DSIZE=4</c>, beside the architecture and the language, which is C++17.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    internal IReadOnlyList<string> AllOptions => ["--std=c++17", .. Options];

    /// <summary>The instances that the text lists in lines <c>// instantiate:</c>.</summary>
    public IReadOnlyList<string> Instances =>
        [.. InstanceLine.Matches(Text).SelectMany(match => Alternatives(match.Groups[1].Value.Trim()))];

    /// <summary>A source that is embedded in an assembly.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="name">The file's name, e.g. <c>sine_jet.cu</c>.</param>
    /// <exception cref="ArgumentException">The assembly has no such source.</exception>
    public static CudaSource Embedded(Assembly assembly, string name)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var text = Read(assembly, Prefix + name) ?? throw new ArgumentException(
            $"Expected one of [{string.Join(", ", FilesOf(assembly, ".cu"))}] of {assembly.GetName().Name}, got {name}", nameof(name));
        return new CudaSource(name, text, HeadersOf(assembly));
    }

    /// <summary>All sources that are embedded in an assembly.</summary>
    public static IEnumerable<CudaSource> AllEmbedded(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        return FilesOf(assembly, ".cu").Select(name => Embedded(assembly, name));
    }

    /// <summary>The type's name in kernels, for the names of instances: float, double, float16 and bfloat16 (both of
    /// <c>torchzoo.cuh</c>), int8 to int64, uint8, bool.</summary>
    /// <exception cref="ArgumentException">Kernels know no such type.</exception>
    public static string TypeName(ScalarType type) => type switch
    {
        ScalarType.Float32 => "float",
        ScalarType.Float64 => "double",
        ScalarType.Float16 => "float16",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Int8 => "int8",
        ScalarType.Int16 => "int16",
        ScalarType.Int32 => "int32",
        ScalarType.Int64 => "int64",
        ScalarType.Byte => "uint8",
        ScalarType.Bool => "bool",
        _ => throw new ArgumentException($"Expected a real type, got {type}", nameof(type)),
    };

    /// <inheritdoc/>
    public override string ToString() => Name;

    // a<{b,c}> → a<b>, a<c>: the first braces' alternatives, each with what the rest makes.
    private static IEnumerable<string> Alternatives(string pattern)
    {
        var (open, close) = (pattern.IndexOf('{'), pattern.IndexOf('}'));
        if (open < 0 || close < open) return [pattern];
        return from choice in pattern[(open + 1)..close].Split(',')
               from rest in Alternatives(pattern[(close + 1)..])
               select pattern[..open] + choice.Trim() + rest;
    }

    private static Dictionary<string, string> HeadersOf(Assembly assembly) =>
        FilesOf(assembly, ".cuh").ToDictionary(name => name, name => Read(assembly, Prefix + name)!, StringComparer.Ordinal);

    private static IEnumerable<string> FilesOf(Assembly assembly, string extension) =>
        assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(extension, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal);

    private static string? Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource);
        if (stream is null) return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^\s*//\s*instantiate:(.+)$", RegexOptions.Multiline)]
    private static partial Regex InstanceLine { get; }
}
