using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace TorchZoo.Testing;

/// <summary>A program that is running.</summary>
public sealed partial class CliRun : IDisposable
{
    /// <summary>Ctrl+C.</summary>
    public const int SigInt = 2;

    /// <summary>An orderly end, as service managers ask for it.</summary>
    public const int SigTerm = 15;

    /// <summary>The end without notice.</summary>
    public const int SigKill = 9;

    private readonly Process _process;
    private readonly TimeSpan _patience;
    private readonly StringBuilder _output = new(), _error = new();
    private readonly Lock _gate = new();

    internal CliRun(Process process, TimeSpan patience)
    {
        (_process, _patience) = (process, patience);
        process.OutputDataReceived += (_, e) => Add(_output, e.Data);
        process.ErrorDataReceived += (_, e) => Add(_error, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Waits until a text has come on standard output or standard error.</summary>
    /// <exception cref="TimeoutException">It hasn't, and the program has ended or patience has.</exception>
    public void WaitFor(string text)
    {
        var start = Stopwatch.StartNew();
        while (true)
        {
            lock (_gate)
                if (Contains(_output, text) || Contains(_error, text)) return;
            if (start.Elapsed > _patience || _process.HasExited)
            {
                lock (_gate)
                    if (Contains(_output, text) || Contains(_error, text)) return;
                throw new TimeoutException($"'{text}' never came. Output: {_output} Error: {_error}");
            }
            Thread.Sleep(10);
        }
    }

    /// <summary>Waits for a text, and reads the whole number that follows it.</summary>
    public int NumberAfter(string text)
    {
        WaitFor(text);
        lock (_gate)
        {
            var output = _output.ToString();
            var rest = output[(output.IndexOf(text, StringComparison.Ordinal) + text.Length)..];
            return int.Parse(rest.AsSpan(0, rest.TakeWhile(char.IsAsciiDigit).Count()), CultureInfo.InvariantCulture);
        }
    }

    /// <summary>
    /// Whether this process, and so its children, ignore a signal: a shell without job control does that to SIGINT of what it runs in the
    /// background, and no program can tell it from a wish.
    /// </summary>
    public static bool IsIgnored(int signal)
    {
        const string field = "SigIgn:";
        if (!OperatingSystem.IsLinux()) return false;
        var mask = File.ReadLines("/proc/self/status").First(l => l.StartsWith(field, StringComparison.Ordinal))[field.Length..].Trim();
        return ((Convert.ToUInt64(mask, 16) >> (signal - 1)) & 1) != 0;
    }

    /// <summary>Sends a signal (Linux, macOS).</summary>
    public void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0) throw new InvalidOperationException($"kill: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="TimeoutException">It doesn't end; it is killed.</exception>
    public CliResult WaitForEnd()
    {
        if (!_process.WaitForExit(_patience))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"It doesn't end. Output: {_output} Error: {_error}");
        }
        // Without a time limit: this waits for the last lines too.
        _process.WaitForExit();
        lock (_gate) return new CliResult(_process.ExitCode, _output.ToString(), _error.ToString());
    }

    /// <summary>Kills it if it still runs.</summary>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static bool Contains(StringBuilder builder, string text) => builder.ToString().Contains(text, StringComparison.Ordinal);

    private void Add(StringBuilder builder, string? line)
    {
        lock (_gate)
            if (line is not null) builder.Append(line).Append('\n');
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
