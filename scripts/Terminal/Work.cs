using System.Diagnostics;
using Spectre.Console;
using TorchZoo.Distributed;

namespace TorchZoo.Scripts.Terminal;

/// <summary>What every command that computes has in common: libtorch, progress, interruption, failures, and the claim at the end.</summary>
internal sealed class Work(Screen screen, string directory, IReadOnlyList<string> args, bool canResume)
{
    /// <summary>Loads libtorch and does the work.</summary>
    /// <param name="smoke">Whether the numbers mean nothing.</param>
    /// <param name="work">The work; its result is null where there is no claim.</param>
    /// <param name="file">What <c>claim.json</c> says, from the claim and the seconds it took; null: none is written.</param>
    public int Do(bool smoke, Func<IProgressDisplay, CancellationToken, Claim?> work, Func<Claim, double, ClaimFile>? file)
    {
        var start = Stopwatch.StartNew();
        var startTime = DateTime.UtcNow;
        using var interrupts = new Interrupts(Notice);
        try
        {
            TorchRuntime.EnsureLoaded();
            System.IO.Directory.CreateDirectory(directory);
            var claim = ShowingProgress(progress => work(progress, interrupts.Token));
            if (claim is null) return ExitCode.Success;
            if (ProcessGroup.World.IsFirst) file?.Invoke(claim, start.Elapsed.TotalSeconds).Write(directory);
            Close(claim, smoke, start.Elapsed);
            return smoke || claim.Holds ? ExitCode.Success : ExitCode.Failed;
        }
        catch (Exception e) when (interrupts.Token.IsCancellationRequested && IsCancellation(e))
        {
            Interrupted(startTime);
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            return Failures.Report(screen, e, System.IO.Directory.Exists(directory) ? directory : null);
        }
    }

    private Claim? ShowingProgress(Func<IProgressDisplay, Claim?> work)
    {
        if (!screen.IsRich) return work(new PlainProgress(screen.Raw, TimeProvider.System));
        using var live = new LiveProgress(screen.Out);
        return work(live);
    }

    // The claim line is for people and programs: last, on a line of its own, and never broken at the terminal's width.
    private void Close(Claim claim, bool smoke, TimeSpan time)
    {
        screen.Out.WriteLine();
        foreach (var condition in claim.Conditions)
            screen.Out.WriteLine($"  {(smoke ? "-" : condition.Holds ? "✓" : "✗")} {condition.Text}");
        screen.Out.WriteLine($"  {Values.Format(time)}; everything is in {Values.ShortPath(directory)}");
        screen.Raw.WriteLine(claim.Line(smoke));
        screen.Raw.Flush();
    }

    private void Interrupted(DateTime start)
    {
        var checkpoint = new DirectoryInfo(directory) is { Exists: true } folder
            ? folder.EnumerateFiles("*.pt", SearchOption.AllDirectories)
                .Where(f => f.LastWriteTimeUtc >= start).MaxBy(f => f.LastWriteTimeUtc)
            : null;
        screen.Error.WriteLine(checkpoint is null ? "Stopped before there was a checkpoint."
            : $"Stopped. The checkpoint is {Values.ShortPath(checkpoint.FullName)}");
        if (canResume && checkpoint is not null)
            screen.Error.WriteLine($"Go on with: dotnet run --project scripts -- {string.Join(' ', args.Where(a => a != "--resume").Append("--resume").Select(Quoted))}");
    }

    private void Notice(bool atOnce)
    {
        if (atOnce && screen.IsRich) screen.Raw.Write("\e[?25h");
        screen.Error.WriteLine(atOnce ? "Ended." : "Stopping after this step (Ctrl+C again: end at once) ...");
    }

    private static bool IsCancellation(Exception e) =>
        e is OperationCanceledException || e is AggregateException { InnerExceptions: var all } && all.All(IsCancellation);

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./:=,+".Contains(c)) ? argument
            : $"'{argument.Replace("'", "'\\''")}'";
}
