using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Training;

namespace TorchZoo.Reports;

/// <summary>What it takes to repeat a run: versions, command line, device, seed, options, model. It stands in the run's folder as
/// <c>run.json</c>.</summary>
public sealed record RunRecord
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "run.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>When it began, or went on.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Step at which it went on; 0 for a fresh run.</summary>
    public long ResumedAt { get; init; }

    /// <summary>When it ended; null while it goes on, and for ever if its process was killed.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How it ended; null as long as <see cref="Ended"/>.</summary>
    public RunOutcome? Outcome { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; init; }

    /// <summary>What the training is called, e.g. <c>Training the baseline</c>.</summary>
    public string? Name { get; init; }

    /// <summary>Command line, the program first.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }

    /// <summary>Versions by name: TorchZoo, TorchSharp, libtorch, .NET and, on a GPU, CUDA.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>Operating system and processor architecture.</summary>
    public required string System { get; init; }

    /// <summary>Threads of libtorch.</summary>
    public required int Threads { get; init; }

    /// <summary>Where it computes.</summary>
    public required string Device { get; init; }

    /// <summary>Seed of the order of data and of libtorch.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The trainer's options.</summary>
    public required IReadOnlyDictionary<string, object?> Options { get; init; }

    /// <summary>The model's name and trainable weights.</summary>
    public required string Model { get; init; }

    /// <summary>Number of trainable weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The model's configuration; null if it has none.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>What the run's checkpoints say of it.</summary>
    public required IReadOnlyDictionary<string, string> Notes { get; init; }

    /// <summary>The record of a run.</summary>
    /// <param name="trainer">Whose run.</param>
    /// <param name="firstStep">Steps made before.</param>
    public static RunRecord Of(Trainer trainer, long firstStep)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        return new RunRecord
        {
            Started = DateTimeOffset.Now,
            ResumedAt = firstStep,
            Name = trainer.Name,
            CommandLine = Environment.GetCommandLineArgs(),
            Versions = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["torchzoo"] = VersionOf(typeof(RunRecord).Assembly),
                ["torchsharp"] = VersionOf(typeof(torch).Assembly),
                ["libtorch"] = torch.__version__,
                ["dotnet"] = RuntimeInformation.FrameworkDescription,
            },
            System = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
            Threads = torch.get_num_threads(),
            Device = trainer.Options.Device.ToString(),
            Seed = trainer.Options.Seed,
            Options = OptionsOf(trainer.Options),
            Model = Zoo.NameOf(trainer.Model) ?? trainer.Model.GetType().Name,
            Parameters = StateDict.ParameterCount(trainer.Model),
            Config = trainer.Model is IConfigured configured ? JsonSerializer.Deserialize<JsonElement>(ConfigJson.Write(configured.Config)) : null,
            Notes = trainer.Notes,
        };
    }

    /// <summary>Writes the file into a folder.</summary>
    public void Write(string directory) =>
        AtomicFile.Write(Path.Combine(directory, FileName), stream => JsonSerializer.Serialize(stream, this, Json));

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="IOException">It isn't there or can't be read.</exception>
    public static RunRecord Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            return JsonSerializer.Deserialize<RunRecord>(File.ReadAllBytes(path), Json) ?? throw new JsonException("there is no object");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not a run's record ({e.Message})", e);
        }
    }

    private static SortedDictionary<string, object?> OptionsOf(TrainerOptions options) => new(typeof(TrainerOptions)
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.Name is not (nameof(TrainerOptions.Device) or nameof(TrainerOptions.Directory) or nameof(TrainerOptions.Group)))
        .ToDictionary(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name), p => p.GetValue(options)), StringComparer.Ordinal);

    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version!.ToString();
}
