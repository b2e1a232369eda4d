using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using TorchSharp;
using TorchZoo.Distributed;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Terminal;

/// <summary>The options that every run has.</summary>
internal sealed partial class RunOptions
{
    private static readonly string[] Precisions = [.. Enum.GetNames<Precision>().Select(n => n.ToLowerInvariant())];

    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute: auto (a GPU if there is one), cpu, cuda or cuda:N",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "auto",
    };

    public Option<bool> Smoke { get; } = new("--smoke") { Description = "Run every part in seconds; the numbers mean nothing" };

    public Option<bool> Full { get; } = new("--full") { Description = "The paper's own setting (hours without a GPU)" };

    public Option<ulong> Seed { get; } = new("--seed")
    {
        Description = "Where every random number comes from",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
        CustomParser = result =>
        {
            if (ulong.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var seed)) return seed;
            result.AddError($"--seed takes a whole number from 0 to {ulong.MaxValue}, not '{result.Tokens[0].Value}'.");
            return 0;
        },
    };

    public Option<string> Precision { get; } = new("--precision")
    {
        Description = "What to compute in: float32, bfloat16, or float16 with loss scaling; weights stay in float32",
        HelpName = "TYPE",
        DefaultValueFactory = _ => Precisions[0],
    };

    public Option<bool> Profile { get; } = new("--profile") { Description = "Say where the time of training goes" };

    public Option<int?> Epochs { get; } = new("--epochs")
    {
        Description = "Epochs of training instead of the recipe's own number",
        HelpName = "N",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var epochs) && epochs >= 1)
                return epochs;
            result.AddError($"--epochs takes a whole number from 1, not '{result.Tokens[0].Value}'.");
            return null;
        },
    };

    public Option<string?> Out { get; } = new("--out") { Description = "Folder for what the run writes", HelpName = "DIR" };

    public Option<bool> Resume { get; } = new("--resume") { Description = "Go on from the last checkpoint in the folder" };

    public Option<string?> Data { get; } = new("--data") { Description = "Data set to use instead of the recipe's own", HelpName = "PATH" };

    /// <summary>What a command does, and so which options make sense.</summary>
    public enum Scope
    {
        /// <summary>One paper, trained: all options.</summary>
        Training,

        /// <summary>One checkpoint.</summary>
        Evaluation,

        /// <summary>Many papers.</summary>
        Claims,
    }

    /// <summary>Adds to a command those that make sense for it.</summary>
    public void AddTo(Command command, Scope scope)
    {
        Device.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && !DeviceName().IsMatch(text))
                result.AddError($"--device takes auto, cpu, cuda or cuda:N, not '{text}'.");
        });
        Data.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } path && !Path.Exists(path))
                result.AddError($"--data: there is no file or folder '{path}'.");
        });
        Out.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not { } path) return;
            if (path.Length == 0) result.AddError("--out takes a folder, not an empty text.");
            else if (File.Exists(path)) result.AddError($"--out takes a folder; '{path}' is a file.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(Smoke) && result.GetValue(Full)) result.AddError("--smoke and --full exclude each other.");
        });
        Precision.AcceptOnlyFromAmong(Precisions);
        foreach (var option in new Option[] { Device, Smoke, Full, Seed }) command.Options.Add(option);
        if (scope == Scope.Training)
            foreach (var option in new Option[] { Epochs, Precision, Profile }) command.Options.Add(option);
        command.Options.Add(Out);
        if (scope == Scope.Training) command.Options.Add(Resume);
        if (scope != Scope.Claims) command.Options.Add(Data);
    }

    public Precision PrecisionOf(ParseResult result) => Enum.Parse<Precision>(result.GetValue(Precision)!, ignoreCase: true);

    public RunSize Size(ParseResult result) =>
        result.GetValue(Smoke) ? RunSize.Smoke : result.GetValue(Full) ? RunSize.Full : RunSize.Default;

    /// <summary>The device asked for. Needs libtorch.</summary>
    /// <exception cref="ArgumentException">This machine doesn't have it.</exception>
    public torch.Device ResolveDevice(ParseResult result)
    {
        var text = result.GetValue(Device)!.ToLowerInvariant();
        if (text == "cpu") return torch.CPU;
        var available = torch.cuda.is_available();
        // Each rank of a machine takes a GPU of its own.
        var own = available ? ProcessGroup.World.LocalRank % torch.cuda.device_count() : 0;
        if (text == "auto") return available ? torch.device($"cuda:{own}") : torch.CPU;
        if (!available)
            throw new ArgumentException($"--device {text}: CUDA is not available. It takes an NVIDIA GPU with its driver, and a build with "
                + "-p:TorchBackend=cuda (dotnet run -p:TorchBackend=cuda --project scripts -- …).");
        var (index, count) = (text == "cuda" ? own : int.Parse(text.AsSpan(5), CultureInfo.InvariantCulture), torch.cuda.device_count());
        return index < count
            ? torch.device($"cuda:{index}")
            : throw new ArgumentException($"--device {text}: this machine has {count} CUDA device{(count == 1 ? "" : "s")}, cuda:0"
                + $"{(count > 1 ? $" to cuda:{count - 1}" : "")}.");
    }

    [GeneratedRegex("^(auto|cpu|cuda(:[0-9]{1,4})?)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex DeviceName();
}
