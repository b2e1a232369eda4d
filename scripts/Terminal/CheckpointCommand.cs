using System.CommandLine;
using System.Globalization;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>checkpoint</c>: looks into files of weights, converts and compares them. Nothing in a file is ever run.</summary>
internal static class CheckpointCommand
{
    private const int ShownDepth = 6, ShownChildren = 100;
    private const string Formats = ".pt, .pth or .safetensors";
    private static readonly string[] PyTorchExtensions = [".pt", ".pth"];

    public static Command Create(Screen screen) => new("checkpoint", "Look into checkpoints, convert and compare them")
    {
        Inspect(screen), Convert(screen), Diff(screen),
    };

    private static Command Inspect(Screen screen)
    {
        var path = new Argument<string>("file") { Description = $"A checkpoint of PyTorch or of this program, or a safetensors file: {Formats}" };
        var all = new Option<bool>("--all") { Description = $"Show everything; else {ShownDepth} levels and {ShownChildren} values of each dictionary" };
        var command = new Command("inspect", "Show what a checkpoint holds: names, shapes, dtypes and sizes; its tensors' data are not read") { path, all };
        command.SetAction(result =>
        {
            using var scope = NewDisposeScope();
            using var file = CheckpointFile.Peek(result.GetRequiredValue(path));
            screen.Raw.WriteLine($"{CheckpointTree.Clean(Path.GetFileName(file.Path))}: {CheckpointTree.Describe(file.Tree)}, "
                + $"{CheckpointTree.Size(new FileInfo(file.Path).Length)}");
            foreach (var (name, value) in file.Metadata) screen.Raw.WriteLine($"  @{CheckpointTree.Clean(name)}  '{CheckpointTree.Clean(value)}'");
            var isAll = result.GetValue(all);
            new CheckpointTree(screen.Raw, isAll ? int.MaxValue : ShownDepth, isAll ? int.MaxValue : ShownChildren).Write(file.Tree);
            screen.Raw.WriteLine(CheckpointTree.Summary(file.Tree));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Convert(Screen screen)
    {
        var from = new Argument<string>("in") { Description = $"The file to read: {Formats}" };
        var to = new Argument<string>("out") { Description = "The file to write, of the other format" };
        var force = new Option<bool>("--force") { Description = "Replace the file if it is there" };
        var command = new Command("convert", "Write the weights of a .pt file as .safetensors, or the reverse") { from, to, force };
        command.SetAction(result =>
        {
            var (source, target) = (result.GetRequiredValue(from), result.GetRequiredValue(to));
            CheckTarget(source, target, result.GetValue(force));
            TorchRuntime.EnsureLoaded();
            using var scope = NewDisposeScope();
            using var checkpoint = Checkpoint.Load(source);
            AtomicFile.DeleteLeftovers(target);
            if (SafetensorsFile.IsNamed(target)) SaveSafetensors(checkpoint, target);
            else checkpoint.SaveWeights(target);
            var report = new ConsoleReport(screen);
            if (checkpoint.ModelName is { } name) report.Note("model", $"{CheckpointTree.Clean(name)}, with its configuration");
            if (checkpoint.Others is { Count: > 0 } others) report.Note("left out", CheckpointTree.Clean(string.Join(", ", others)));
            report.Wrote(target, $"{Count(checkpoint.State.Count, "tensor")}, {CheckpointTree.Size(new FileInfo(target).Length)}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Diff(Screen screen)
    {
        var a = new Argument<string>("a") { Description = $"A file: {Formats}" };
        var b = new Argument<string>("b") { Description = "The file to compare it with, of either format" };
        var all = new Option<bool>("--all") { Description = $"Show every difference; else the first {ShownChildren}" };
        var command = new Command("diff", "Compare the weights of two files; the exit code is 0 if they are equal, 1 if not") { a, b, all };
        command.SetAction(result =>
        {
            using var scope = NewDisposeScope();
            using var first = CheckpointFile.Read(result.GetRequiredValue(a));
            using var second = CheckpointFile.Read(result.GetRequiredValue(b));
            var diff = CheckpointDiff.Of(first.WeightsOrAll(), second.WeightsOrAll());
            diff.Write(screen, result.GetValue(all) ? int.MaxValue : ShownChildren);
            return diff.IsEmpty ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static void CheckTarget(string source, string target, bool force)
    {
        if (!File.Exists(source)) throw new ArgumentException($"There is no file '{source}'.");
        // An index of shards can be read but not written: one file is what was asked for.
        var isSafetensors = Path.GetExtension(target).Equals(".safetensors", StringComparison.OrdinalIgnoreCase);
        if (!isSafetensors && !PyTorchExtensions.Contains(Path.GetExtension(target).ToLowerInvariant()))
            throw new ArgumentException($"The name of the file to write, '{target}', must end in {Formats}.");
        if (isSafetensors == SafetensorsFile.IsNamed(source))
            throw new ArgumentException($"'{source}' and '{target}' have the same format; there is nothing to convert.");
        if (Directory.Exists(target)) throw new ArgumentException($"'{target}' is a folder.");
        if (Path.GetDirectoryName(Path.GetFullPath(target)) is { } folder && !Directory.Exists(folder))
            throw new ArgumentException($"There is no folder '{folder}' to write to.");
        if (File.Exists(target) && !force) throw new ArgumentException($"'{target}' is there already; --force replaces it.");
    }

    private static void SaveSafetensors(Checkpoint checkpoint, string target)
    {
        try { checkpoint.SaveSafetensors(target); }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{checkpoint.Path} cannot be converted. {Failures.Message(e)}", e);
        }
    }

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}
