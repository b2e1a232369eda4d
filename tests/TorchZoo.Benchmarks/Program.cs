using System.CommandLine;
using System.Globalization;
using System.Reflection;
using Spectre.Console;
using TorchZoo;
using TorchZoo.Benchmarks;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [DistributedBenchmarks.Command, ..]) return DistributedBenchmarks.Work(args);

var filter = new Option<string?>("--filter") { Description = "Only benchmarks whose name contains this" };
var json = new Option<bool>("--json") { Description = "JSON lines instead of a table" };
var rounds = new Option<int>("--rounds") { Description = "Rounds after the warm-up", DefaultValueFactory = _ => 7 };
rounds.Validators.Add(r => { if (r.GetValueOrDefault<int>() < 1) r.AddError("--rounds takes a number of at least 1."); });
var command = new RootCommand("Measures TorchZoo against baselines in the same process.") { filter, json, rounds, CompareCommand.Create() };
command.SetAction(arguments =>
{
    TorchRuntime.EnsureLoaded();
    if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180;
    var benchmarks = Assembly.GetExecutingAssembly().GetTypes()
        .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .Select(m => (Method: m, About: m.GetCustomAttribute<BenchmarkAttribute>()!))
        .Where(b => b.About?.Name.Contains(arguments.GetValue(filter) ?? "", StringComparison.OrdinalIgnoreCase) ?? false)
        .OrderBy(b => b.About.Name, StringComparer.Ordinal).ToList();
    if (benchmarks.Count == 0)
    {
        Console.Error.WriteLine($"No benchmark's name contains '{arguments.GetValue(filter)}'.");
        return 1;
    }
    var clock = new Stopwatches(arguments.GetValue(rounds));
    var table = new Table().AddColumns("name", "ours", "baseline", "ratio", "to reach", "bound", "against");
    foreach (var machine in new[] { clock.OneThread, clock.AllThreads })
        if (!arguments.GetValue(json)) AnsiConsole.WriteLine($"{machine}");
        else
        {
            Write($"machine/flops-{machine.Threads}", new(machine.Flops / 1e9, "GFLOP/s", null, null));
            Write($"machine/bandwidth-{machine.Threads}", new(machine.Bandwidth / 1e9, "GB/s", null, null));
        }
    foreach (var (method, about) in benchmarks)
    {
        var m = method.CreateDelegate<Func<Stopwatches, Measurement>>()(clock);
        if (arguments.GetValue(json)) Write(about.Name, m);
        else
            table.AddRow(about.Name, $"{m.Value:G4} {m.Unit}", Number(m.Baseline), Number(m.Ratio), about.Goal ?? "", Number(m.Bound), Markup.Escape(about.Against));
    }
    if (!arguments.GetValue(json)) AnsiConsole.Write(table);
    return 0;
});
return command.Parse(args).Invoke();

static void Write(string name, Measurement m) => Console.WriteLine(new Result(name, m.Value, m.Unit, m.Baseline, m.Ratio, m.Bound).ToJson());

static string Number(double? value) => value is { } v ? v.ToString("G3", CultureInfo.InvariantCulture) : "";
