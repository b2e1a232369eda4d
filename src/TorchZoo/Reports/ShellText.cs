namespace TorchZoo.Reports;

/// <summary>Command lines for people to copy.</summary>
internal static class ShellText
{
    /// <summary>An argument as a POSIX shell takes it.</summary>
    public static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,+".Contains(c)) ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
