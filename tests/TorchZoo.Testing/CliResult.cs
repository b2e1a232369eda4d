namespace TorchZoo.Testing;

/// <summary>What a finished program left.</summary>
/// <param name="ExitCode">Its exit code; of a signal: 128 plus its number.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record CliResult(int ExitCode, string Output, string Error)
{
    /// <summary>The last line of <see cref="Output"/> that isn't empty.</summary>
    public string LastLine => Output.TrimEnd().Split('\n')[^1];
}
