using Spectre.Console;
using TorchZoo.Distributed;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Terminal;

/// <summary>What a user sees of an exception.</summary>
internal static class Failures
{
    private const string LogName = "error.log";

    /// <summary>Shows an exception: what a user can act on in a sentence, a defect with the place of its whole story.</summary>
    /// <param name="screen">Where to show it.</param>
    /// <param name="exception">What happened.</param>
    /// <param name="directory">The run's folder; null outside a run.</param>
    /// <returns>The exit code.</returns>
    public static int Report(Screen screen, Exception exception, string? directory)
    {
        // What is wrong with the command line all ranks see; what else goes wrong, perhaps only this one.
        if (exception is not (ArgumentException or DllNotFoundException)) ProcessGroup.World.Fail(exception);
        switch (exception)
        {
            case ArgumentException:
                screen.Complain(Message(exception));
                return ExitCode.Usage;
            case TrainingException { InnerException: null or NonFiniteLossException }:
            case NotSupportedException or IOException or InvalidDataException or UnauthorizedAccessException or DllNotFoundException:
                screen.Complain(Message(exception));
                return ExitCode.Failed;
            default:
                screen.Complain($"{exception.GetType().Name}: {Message(exception)}");
                screen.Error.WriteLine(Log(exception, directory) is { } log
                    ? $"This is a defect. The whole story is in {Values.ShortPath(log)}"
                    : exception.ToString());
                return ExitCode.Defect;
        }
    }

    /// <summary>An exception's message without the name of a parameter that only a programmer knows.</summary>
    public static string Message(Exception exception) =>
        exception is ArgumentException { ParamName: { } name }
            ? exception.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : exception.Message;

    private static string? Log(Exception exception, string? directory)
    {
        foreach (var folder in new[] { directory, Path.GetTempPath() })
        {
            if (folder is null) continue;
            try
            {
                var path = Path.Combine(folder, directory is null ? $"torchzoo-{LogName}" : LogName);
                File.WriteAllText(path,
                    $"{DateTime.UtcNow:u} {Environment.CommandLine}{Environment.NewLine}{exception}{Environment.NewLine}");
                return path;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A full or read-only disk may well be why we are here: try the next place.
            }
        }
        return null;
    }
}
