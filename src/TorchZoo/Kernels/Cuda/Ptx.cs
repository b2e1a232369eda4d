using System.Globalization;
using System.Text.RegularExpressions;

namespace TorchZoo.Kernels.Cuda;

/// <summary>What is read out of PTX, the compiler's output in text.</summary>
internal static partial class Ptx
{
    /// <summary>Bytes of each parameter of a kernel.</summary>
    /// <exception cref="InvalidDataException">There is no such kernel.</exception>
    public static int[] ParameterSizes(string ptx, string entry)
    {
        var begin = ptx.IndexOf($".entry {entry}(", StringComparison.Ordinal);
        var end = begin < 0 ? -1 : ptx.IndexOf(')', begin);
        if (end < 0) throw new InvalidDataException($"There is no kernel {entry} in the compiler's output");
        return [.. Parameter.Matches(ptx[begin..end]).Select(match =>
            Number(match.Groups[1]) / 8 * (match.Groups[2].Success ? Number(match.Groups[2]) : 1))];

        static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);
    }

    // .param .u64 name,   or   .param .align 8 .b8 name[2048]   or   .param .u64 .ptr .global .align 1 name
    [GeneratedRegex(@"\.param\s+(?:\.align\s+\d+\s+)?\.[busf](\d+)[^,\[]*(?:\[(\d+)\])?")]
    private static partial Regex Parameter { get; }
}
