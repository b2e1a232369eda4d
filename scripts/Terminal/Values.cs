using System.Globalization;

namespace TorchZoo.Scripts.Terminal;

/// <summary>How values are written, on every machine alike.</summary>
internal static class Values
{
    public static string Format(object value) => value switch
    {
        string s => s,
        bool b => b ? "yes" : "no",
        double d => Claim.Number(d),
        float f => Claim.Number(f),
        TimeSpan t => Format(t),
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    public static string Format(TimeSpan time) => time.TotalMinutes < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds:00} s");

    public static bool IsNumber(object value) => value is double or float or int or long or ulong or uint;

    /// <summary>A path as short as it can be: relative if it is below the current folder.</summary>
    public static string ShortPath(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? Path.GetFullPath(path) : relative;
    }

    /// <summary>What to type into a shell to run this program with these arguments.</summary>
    public static string CommandLine(IEnumerable<string> args) =>
        $"dotnet run --project scripts -- {string.Join(' ', args.Select(Quoted))}";

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./:=,+".Contains(c)) ? argument
            : $"'{argument.Replace("'", "'\\''")}'";
}
