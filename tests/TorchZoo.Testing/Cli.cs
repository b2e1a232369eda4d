using System.Diagnostics;
using System.Text;

namespace TorchZoo.Testing;

/// <summary>The scripts' command line as a process of its own, in an empty folder.</summary>
public sealed class Cli : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("torchzoo cli ");

    private Cli(string program) => Program = program;

    /// <summary>The folder in which it runs; <c>runs/</c> appears here. Its path has spaces.</summary>
    public string Folder => _folder.FullName;

    /// <summary>The program's assembly.</summary>
    public string Program { get; }

    /// <summary>The real executable. It lies beside the tests that reference its project, whatever the configuration.</summary>
    public static Cli Scripts() => Of("TorchZoo.Scripts");

    /// <summary>Another program beside the tests, by its assembly's name.</summary>
    public static Cli Of(string assembly) => In(AppContext.BaseDirectory, assembly);

    /// <summary>A program in another folder.</summary>
    public static Cli In(string folder, string assembly)
    {
        var program = Path.Combine(folder, assembly + ".dll");
        return File.Exists(program) && File.Exists(Path.ChangeExtension(program, ".runtimeconfig.json"))
            ? new Cli(program)
            : throw new InvalidOperationException($"{program} is not there: the test project has to reference {assembly}");
    }

    /// <summary>Runs it to its end.</summary>
    public CliResult Run(params string[] args)
    {
        using var run = Start(args);
        return run.WaitForEnd();
    }

    /// <summary>Starts it, e.g. to send it a signal.</summary>
    public CliRun Start(params string[] args) => Start(new Dictionary<string, string>(), args);

    /// <summary>Starts it with environment variables.</summary>
    public CliRun Start(IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(Program);
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new CliRun(Process.Start(start)!, Patience);
    }

    /// <summary>A file in the folder.</summary>
    public string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Deletes the folder.</summary>
    public void Dispose() => _folder.Delete(recursive: true);
}
