using System.CommandLine;
using TorchSharp;
using TorchZoo.Scripts;

namespace TorchZoo.Tests.CommandLine;

/// <summary>A paper that there isn't, without a recipe.</summary>
[Paper("demo-silent", "A paper without a recipe", "0000.00000", 2000)]
public static class SilentPaper;

/// <summary>A paper that there isn't.</summary>
[Paper("demo", "A paper that does what its options say", "0000.00001", 2001)]
public static class DemoPaper;

/// <summary>Does what its options say.</summary>
[Recipe("demo")]
public sealed class DemoRecipe : Recipe
{
    private readonly Option<string> _equation = new("--equation") { Description = "Which equation", DefaultValueFactory = _ => "heat" };
    private readonly Option<double> _value = new("--value") { Description = "The claim's value", DefaultValueFactory = _ => 0.5 };
    private readonly Option<string?> _throws = new("--throws") { Description = "Ends in this exception" };
    private readonly Option<bool> _waits = new("--waits") { Description = "Works until it is told to stop" };
    private readonly Option<bool> _deaf = new("--deaf") { Description = "Works on when it is told to stop" };

    public DemoRecipe() => _equation.AcceptOnlyFromAmong("heat", "wave", "burgers");

    public override IEnumerable<Option> Options => [_equation, _value, _throws, _waits, _deaf];

    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--equation", "wave"]];

    public override string? Variant(ParseResult arguments) => arguments.GetValue(_equation) is "heat" ? null
        : arguments.GetValue(_equation);

    public override Claim Run(RecipeContext context)
    {
        switch (context.Get(_throws))
        {
            case "argument": throw new ArgumentException("modes must be positive, not -1", "modes");
            case "data": throw new InvalidDataException("damaged.pt: the file ends early");
            case "io": throw new IOException("No space left on device");
            case "defect": throw new InvalidOperationException("this should not be");
        }
        using (var line = context.Progress.Start("Training"))
        {
            if (context.Get(_waits) || context.Get(_deaf)) Wait(context);
            for (var i = 1; i <= 10; i++) line.Report(i / 10.0, $"loss {1.0 / i:F3}");
        }
        context.Output.Heading("Results");
        context.Output.Note("parameters", 82721);
        context.Output.Note("epochs", context.Epochs ?? context.Pick(1, 20, 500));
        context.Output.Note("draw", torch.rand(1).item<float>());
        context.Output.Table("Relative L2 error by resolution", ["grid", "error", "model"],
            [[256, 0.0136789, "FNO"], [1024, 0.0137, "FNO"]]);
        var file = context.PathOf("note.txt");
        File.WriteAllText(file, "a file");
        context.Output.Wrote(file, "a note");
        var value = context.Get(_value);
        return new Claim("demo", "relative L2", value, 1, 4.2, value <= 1);
    }

    private void Wait(RecipeContext context)
    {
        Console.WriteLine("waiting");
        if (context.Get(_deaf)) Thread.Sleep(Timeout.Infinite);
        context.Cancellation.WaitHandle.WaitOne();
        File.WriteAllText(context.PathOf("last.pt"), "");
        context.Cancellation.ThrowIfCancellationRequested();
    }
}

/// <summary>A second recipe of the same paper.</summary>
[Recipe("demo-more", Paper = "demo")]
public sealed class FurtherDemoRecipe : Recipe
{
    public override Claim Run(RecipeContext context) => new("demo-more", "accuracy", 0.9, 0.8, null, holds: true);
}
