using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TorchZoo.Testing;

/// <summary>A program as several processes that MPI connects.</summary>
public static class MpiJob
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Why no job can be started here; null: one can.</summary>
    public static string? Problem { get; } =
        Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder,
            "mpirun"))) ?? false
            ? null : "there is no mpirun here; Debian's package openmpi-bin brings one";

    /// <summary>Starts a job.</summary>
    /// <param name="ranks">Number of processes; there may be more than cores.</param>
    /// <param name="program">The program's assembly.</param>
    /// <param name="args">Its arguments.</param>
    public static CliRun Start(int ranks, string program, params string[] args)
    {
        var start = new ProcessStartInfo("mpirun")
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // Jobs of one process would all be bound to the first core.
        string[] binding = ranks == 1 ? ["--bind-to", "none"] : [];
        foreach (var arg in (string[])
            ["-n", ranks.ToString(CultureInfo.InvariantCulture), "--oversubscribe", .. binding, "dotnet", program, .. args])
            start.ArgumentList.Add(arg);
        // Open MPI refuses to run as root, which is what containers are.
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMP_NUM_THREADS"] = "1";
        return new CliRun(Process.Start(start)!, Patience);
    }

    /// <summary>Runs a job to its end.</summary>
    /// <inheritdoc cref="Start"/>
    public static CliResult Run(int ranks, string program, params string[] args)
    {
        using var run = Start(ranks, program, args);
        return run.WaitForEnd();
    }
}
