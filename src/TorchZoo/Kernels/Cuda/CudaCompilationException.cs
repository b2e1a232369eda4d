using System.Globalization;
using System.Text.RegularExpressions;

namespace TorchZoo.Kernels.Cuda;

/// <summary>CUDA's compiler refused a kernel.</summary>
public sealed partial class CudaCompilationException : Exception
{
    /// <summary>Reads the first error's place out of the compiler's log.</summary>
    /// <param name="source">Name of the source that was compiled.</param>
    /// <param name="kernel">The kernel, e.g. <c>forward&lt;float&gt;</c>.</param>
    /// <param name="target">What it was compiled for, e.g. <c>sm_80</c>.</param>
    /// <param name="log">What the compiler wrote.</param>
    public CudaCompilationException(string source, string kernel, string target, string log)
        : base($"{source} does not compile for {target}, kernel {kernel}:{Environment.NewLine}{log.Trim()}")
    {
        (Source, Kernel, Log) = (source, kernel, log);
        var place = FirstError.Match(log);
        if (place.Success) (File, Line) = (place.Groups[1].Value, int.Parse(place.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>The kernel, as it was asked for.</summary>
    public string Kernel { get; }

    /// <summary>All that the compiler wrote.</summary>
    public string Log { get; }

    /// <summary>The file with the first error: the source or a header; null where the log names none.</summary>
    public string? File { get; }

    /// <summary>The line of the first error, from 1.</summary>
    public int? Line { get; }

    // file.cu(12): error: identifier "x" is undefined. What begins with __nv is no file: there the compiler looks up names.
    [GeneratedRegex(@"^(?!__nv)(.+?)\((\d+)\): (?:catastrophic )?error", RegexOptions.Multiline)]
    private static partial Regex FirstError { get; }
}
