using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Spectre.Console;
using TorchZoo;
using TorchZoo.Benchmarks;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

var filter = new Option<string?>("--filter") { Description = "Only benchmarks whose name contains this" };
var json = new Option<bool>("--json") { Description = "JSON lines instead of a table" };
var rounds = new Option<int>("--rounds") { Description = "Rounds after the warm-up", DefaultValueFactory = _ => 7 };
var command = new RootCommand("Measures TorchZoo against baselines in the same process.") { filter, json, rounds };
command.SetAction(arguments =>
{
    TorchRuntime.EnsureLoaded();
    var benchmarks = Assembly.GetExecutingAssembly().GetTypes()
        .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .Select(m => (Method: m, About: m.GetCustomAttribute<BenchmarkAttribute>()!))
        .Where(b => b.About?.Name.Contains(arguments.GetValue(filter) ?? "", StringComparison.OrdinalIgnoreCase) ?? false)
        .OrderBy(b => b.About.Name, StringComparer.Ordinal);
    var table = new Table().AddColumns("name", "ours", "baseline", "ratio", "to reach", "bound", "against");
    foreach (var (method, about) in benchmarks)
    {
        var m = method.CreateDelegate<Func<Stopwatches, Measurement>>()(new Stopwatches(arguments.GetValue(rounds)));
        if (arguments.GetValue(json))
            Console.WriteLine(JsonSerializer.Serialize(new { name = about.Name, value = m.Value, unit = m.Unit, baseline = m.Baseline, ratio = m.Ratio, bound = m.Bound }));
        else
            table.AddRow(about.Name, $"{m.Value:G4} {m.Unit}", Number(m.Baseline), Number(m.Ratio), about.Goal ?? "", Number(m.Bound), Markup.Escape(about.Against));
    }
    if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180;
    if (!arguments.GetValue(json)) AnsiConsole.Write(table);
});
return command.Parse(args).Invoke();

static string Number(double? value) => value is { } v ? v.ToString("G3", CultureInfo.InvariantCulture) : "";
