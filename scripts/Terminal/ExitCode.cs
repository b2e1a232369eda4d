namespace TorchZoo.Scripts.Terminal;

/// <summary>What the program's exit codes mean.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The claim does not hold, or a file or library failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line asks for something that doesn't exist or can't be.</summary>
    public const int Usage = 2;

    /// <summary>A defect of the program (EX_SOFTWARE of sysexits.h).</summary>
    public const int Defect = 70;

    /// <summary>Ended by Ctrl+C (128 + SIGINT).</summary>
    public const int Interrupted = 130;
}
