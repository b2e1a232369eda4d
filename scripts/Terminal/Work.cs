using System.Diagnostics;
using Spectre.Console;
using TorchZoo.Distributed;
using TorchZoo.Reports;

namespace TorchZoo.Scripts.Terminal;

/// <summary>What every command that computes has in common: libtorch, progress, interruption, failures, and the claim at the end.</summary>
/// <param name="screen">Where to write.</param>
/// <param name="directory">The run's folder.</param>
/// <param name="args">The command line.</param>
/// <param name="canResume">Whether the command can go on from a checkpoint.</param>
/// <param name="journal">What the report is made of; null: there is no report.</param>
internal sealed class Work(Screen screen, string directory, IReadOnlyList<string> args, bool canResume, RunJournal? journal = null)
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
            journal?.Claim(new RunClaim(claim.Metric, claim.Value, claim.Threshold, claim.Baseline, claim.Verdict(smoke),
                [.. claim.Conditions.Select(c => new RunCondition(c.Text, c.Holds))]));
            Close(claim, smoke, start.Elapsed, Report(RunOutcome.Finished));
            return smoke || claim.Holds ? ExitCode.Success : ExitCode.Failed;
        }
        catch (Exception e) when (interrupts.Token.IsCancellationRequested && IsCancellation(e))
        {
            Interrupted(startTime);
            if (Report(RunOutcome.Stopped) is { } page) screen.Error.WriteLine($"What there was until then: {page}");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            Report(RunOutcome.Failed, Failures.Message(e));
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
    private void Close(Claim claim, bool smoke, TimeSpan time, string? page)
    {
        screen.Out.WriteLine();
        foreach (var condition in claim.Conditions)
            screen.Out.WriteLine($"  {(smoke ? "-" : condition.Holds ? "✓" : "✗")} {condition.Text}");
        var report = page is null ? "" : $"; its report is {page}";
        screen.Out.WriteLine($"  {Values.Format(time)}; everything is in {Values.ShortPath(directory)}{report}");
        screen.Raw.WriteLine(claim.Line(smoke));
        screen.Raw.Flush();
    }

    // A page that can't be written doesn't make the run a failure. Where the run had not begun there is nothing to report.
    private string? Report(RunOutcome outcome, string? error = null)
    {
        if (journal is not { HasBegun: true }) return null;
        try
        {
            journal.End(outcome, error);
            return Values.ShortPath(RunReport.Write(directory));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            screen.Complain($"The report was not written: {e.Message}");
            return null;
        }
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
            screen.Error.WriteLine($"Go on with: {Values.CommandLine(args.Where(a => a != "--resume").Append("--resume"))}");
    }

    private void Notice(bool atOnce)
    {
        if (atOnce && screen.IsRich) screen.Raw.Write("\e[?25h");
        screen.Error.WriteLine(atOnce ? "Ended." : "Stopping after this step (Ctrl+C again: end at once) ...");
    }

    private static bool IsCancellation(Exception e) =>
        e is OperationCanceledException || e is AggregateException { InnerExceptions: var all } && all.All(IsCancellation);
}
