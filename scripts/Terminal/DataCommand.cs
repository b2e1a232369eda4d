using System.CommandLine;
using TorchZoo.Data.Sources;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>data</c>: the published data sets that are known here: where they are, getting and verifying them.</summary>
internal static class DataCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>The data sets that the framework, the papers and the recipes describe.</summary>
    public static IReadOnlyList<KnownDataset> OfProgram() =>
        KnownDataset.In([typeof(Zoo).Assembly, typeof(DataCommand).Assembly, .. Zoo.List().Select(p => p.Type.Assembly)]);

    /// <param name="screen">Where to write.</param>
    /// <param name="sets">The data sets.</param>
    /// <param name="cache">The folder for downloads; null: this user's.</param>
    public static Command Create(Screen screen, Func<IReadOnlyList<KnownDataset>> sets, string? cache = null)
    {
        var search = new DatasetSearch { Cache = cache ?? DatasetSearch.DefaultCache, MayDownload = false };
        return new Command("data", "List published data sets, get and verify them")
        {
            List(screen, sets, search), Get(screen, sets, search), Verify(screen, sets, search),
        };
    }

    private static Command List(Screen screen, Func<IReadOnlyList<KnownDataset>> sets, DatasetSearch search)
    {
        var command = new Command("list", "List the data sets: files, size, licence, and where they are on this machine");
        command.SetAction(_ =>
        {
            screen.WriteTable(["name", "what", "files", "MB", "licence", "here", "source", "use"], [.. sets().Select(object[] (s) =>
            [
                s.Name, s.Title, string.Join(", ", s.FileNames),
                s.Files is null ? "?" : Math.Round(s.Files.Files.Sum(f => f.Length) / 1e6, 1),
                s.Licence, Where(s, search), s.Home, s.Use,
            ])]);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Get(Screen screen, Func<IReadOnlyList<KnownDataset>> sets, DatasetSearch search)
    {
        var name = new Argument<string>("name") { Description = "A data set; see data list" };
        var to = new Option<string?>("--to") { Description = "Folder to put the files into; else this user's cache, if they are nowhere yet", HelpName = "DIR" };
        var command = new Command("get", "Download a data set and verify it") { name, to };
        command.SetAction(result =>
        {
            var set = Find(sets(), result.GetRequiredValue(name));
            if (set.Files is not { } files)
                throw new ArgumentException($"'{set.Name}' has no address that lasts. Get {string.Join(" and ", set.FileNames)} from {set.Home}, then: "
                    + $"dotnet run --project scripts -- {set.Use}");
            var folder = result.GetValue(to);
            if (folder is not null && File.Exists(folder)) throw new ArgumentException($"--to takes a folder; '{folder}' is a file.");
            return Cancellable(screen, cancellation =>
            {
                var located = Showing(screen, progress => folder is null
                    ? files.Locate(search with { MayDownload = true }, progress, cancellation)
                    : files.Fetch(folder, Patience, progress, cancellation));
                screen.Raw.WriteLine($"{set.Title} is in {Values.ShortPath(located.Folder)}, verified.");
                return ExitCode.Success;
            });
        });
        return command;
    }

    private static Command Verify(Screen screen, Func<IReadOnlyList<KnownDataset>> sets, DatasetSearch search)
    {
        var name = new Argument<string?>("name") { Description = "A data set; else all that are here", DefaultValueFactory = _ => null };
        var @in = new Option<string?>("--in") { Description = "Folder that has the files; else the system's package and this user's cache", HelpName = "DIR" };
        var command = new Command("verify", "Compare files on this machine with what was published; the exit code is 1 if one differs") { name, @in };
        command.SetAction(result =>
        {
            var asked = result.GetValue(name);
            KnownDataset[] chosen = asked is null ? [.. sets().Where(s => s.Files is not null)] : [Find(sets(), asked)];
            if (asked is not null && chosen[0].Files is null) throw new ArgumentException($"There are no known sums of '{asked}' to compare with.");
            return Cancellable(screen, cancellation =>
            {
                List<object[]> rows = [];
                var isGood = true;
                foreach (var set in chosen)
                {
                    var files = set.Files!.Check(search with { Folder = result.GetValue(@in) }, cancellation);
                    rows.AddRange(files.Select(f => (object[])[set.Name, f.Path, f.Fault ?? "as published"]));
                    if (files.Count == 0 && asked is null) rows.Add([set.Name, "", "not here"]);
                    isGood &= files.All(f => f.Fault is null);
                    if (files.Count < set.FileNames.Count && asked is not null)
                        throw new FileNotFoundException($"{files.Count} of the {set.FileNames.Count} files of {set.Title} are on this machine. "
                            + $"To get them: data get {set.Name}");
                }
                screen.WriteTable(["name", "file", "content"], rows);
                return isGood ? ExitCode.Success : ExitCode.Failed;
            });
        });
        return command;
    }

    private static string Where(KnownDataset set, DatasetSearch search)
    {
        if (set.Files is not { } files) return "bring your own";
        try { return Values.ShortPath(files.Locate(search).Folder); }
        catch (DatasetNotFoundException) { return $"no: data get {set.Name}"; }
    }

    private static KnownDataset Find(IReadOnlyList<KnownDataset> sets, string name) =>
        sets.FirstOrDefault(s => s.Name == name) ?? throw UsageErrors.Unknown("data set", name, sets.Select(s => s.Name));

    private static LocatedDataset Showing(Screen screen, Func<IProgressDisplay, LocatedDataset> work)
    {
        if (!screen.IsRich) return work(new PlainProgress(screen.Raw, TimeProvider.System));
        using var live = new LiveProgress(screen.Out);
        return work(live);
    }

    private static int Cancellable(Screen screen, Func<CancellationToken, int> work)
    {
        using var interrupts = new Interrupts(atOnce => screen.Error.Profile.Out.Writer.WriteLine(atOnce ? "Ended." : "Stopping ..."));
        try { return work(interrupts.Token); }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested) { return ExitCode.Interrupted; }
        catch (Exception e) when (e is not ArgumentException) { return Failures.Report(screen, e, directory: null); }
    }
}
