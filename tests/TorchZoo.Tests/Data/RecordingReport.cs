using System.CommandLine;
using TorchZoo.Scripts;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

/// <summary>Keeps what a recipe warns of.</summary>
internal sealed class RecordingReport : IReport
{
    public List<string> Warnings { get; } = [];

    public void Heading(string text) { }

    public void Say(string text) { }

    public void Note(string name, object value) { }

    public void Table(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows) { }

    public void Wrote(string path, string what) { }

    public void Warn(string text) => Warnings.Add(text);

    public static RecipeContext Context(IReport output) => new()
    {
        Paper = null!,
        Device = CPU,
        Size = RunSize.Smoke,
        Seed = 0,
        Directory = "",
        Arguments = new RootCommand().Parse(""),
        Progress = IProgressDisplay.None,
        Output = output,
    };
}
