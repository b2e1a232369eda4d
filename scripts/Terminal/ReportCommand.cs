using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using TorchZoo.Reports;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>report</c>: the page of a run, or one that compares several.</summary>
internal static class ReportCommand
{
    private const string ComparisonName = "comparison.html";

    public static Command Create(Screen screen)
    {
        var folders = new Argument<string[]>("folders")
        {
            Description = $"Folders of runs; several are compared on one page, none: the latest in {RunCommand.DefaultFolder}",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var open = new Option<bool>("--open") { Description = "Show the page in the browser" };
        var output = new Option<string?>("--output")
        {
            Description = $"The page to write instead of {RunReport.FileName} in the folder, or {ComparisonName} in the one they share",
            HelpName = "FILE",
        };
        var command = new Command("report", "Make a page of a run, or one that compares several") { folders, open, output };
        command.SetAction(result =>
        {
            var page = Write(result.GetValue(folders) ?? [], result.GetValue(output));
            screen.Raw.WriteLine(Values.ShortPath(page));
            return !result.GetValue(open) || Open(screen, page) ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static string Write(string[] folders, string? output)
    {
        if (output is { Length: 0 } || (output is not null && Directory.Exists(output)))
            throw new ArgumentException($"--output takes a file; '{output}' is {(output.Length == 0 ? "empty" : "a folder")}.");
        return folders switch
        {
            [] => RunReport.Write(Latest(), output),
            [var one] => RunReport.Write(one, output),
            _ => RunReport.WriteComparison(folders, output ?? Path.Combine(Shared(folders), ComparisonName)),
        };
    }

    private static string Latest()
    {
        var root = RunCommand.DefaultFolder;
        return (Directory.Exists(root) ? Directory.EnumerateDirectories(root) : [])
            .Where(RunReport.IsRun).MaxBy(Directory.GetLastWriteTimeUtc)
            ?? throw new ArgumentException($"There is no run in '{root}'; name its folder: report DIR");
    }

    // The deepest folder that has all of them in it.
    private static string Shared(string[] folders)
    {
        var paths = folders.Select(f => Path.TrimEndingDirectorySeparator(Path.GetFullPath(f)))
            .Select(p => Path.GetDirectoryName(p) ?? p).ToList();
        var shared = paths[0];
        while (!paths.All(IsInShared)) shared = Path.GetDirectoryName(shared)!;
        return shared;

        bool IsInShared(string path) => path == shared
            || path.StartsWith(Path.TrimEndingDirectorySeparator(shared) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static bool Open(Screen screen, string page)
    {
        try
        {
            using var browser = OperatingSystem.IsWindows()
                ? Process.Start(new ProcessStartInfo(page) { UseShellExecute = true })
                : Process.Start(new ProcessStartInfo(OperatingSystem.IsMacOS() ? "open" : "xdg-open", [page]) { UseShellExecute = false });
            return true;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            screen.Complain($"--open: there is nothing here that opens pages ({e.Message}); open {page} yourself.");
            return false;
        }
    }
}
