using System.Text;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data.Text;
using TorchZoo.Models.Sequences;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What to draw.</summary>
/// <param name="Prompt">How a text begins; null or empty: from nothing.</param>
/// <param name="Temperature">How bold the draws are.</param>
/// <param name="Count">How many tokens, or images; null: as many as fit, or twelve.</param>
internal sealed record SequenceSampling(string? Prompt, double Temperature, int? Count);

/// <summary>Texts and images that nets make.</summary>
internal static class SequenceSamples
{
    /// <summary>The note that holds a text's symbols.</summary>
    public const string Symbols = "symbols";

    /// <summary>Of a checkpoint of a task.</summary>
    public static void Draw(RecipeContext context, string task, Checkpoint checkpoint, SequenceSampling sampling)
    {
        using var scope = NewDisposeScope();
        using var model = Zoo.Load<SparseTransformer>(checkpoint);
        model.to(context.Device);
        switch (task)
        {
            case SequenceTask.Text:
                if (!checkpoint.Notes.TryGetValue(Symbols, out var hex))
                    throw new InvalidDataException($"{checkpoint.Path} does not say what its tokens are; was it written by this recipe?");
                Continue(context, model, Data.Text.Symbols.Of(Convert.FromHexString(hex)), sampling);
                break;
            case SequenceTask.Images:
                Pictures(context, model, sampling);
                break;
            default:
                throw new ArgumentException($"Random tokens have nothing to show; '{checkpoint.Path}' was trained to copy them.");
        }
    }

    /// <summary>Continues a text, and says it.</summary>
    public static void Continue(RecipeContext context, SparseTransformer model, Symbols symbols, SequenceSampling sampling)
    {
        using var scope = NewDisposeScope();
        var bytes = Encoding.UTF8.GetBytes(sampling.Prompt ?? "");
        if (bytes.Length > model.Config.Length)
            throw new ArgumentException($"the model takes at most {model.Config.Length} bytes, the prompt has {bytes.Length}", "--prompt");
        var prompt = symbols.Encode(bytes).to(ScalarType.Int64).unsqueeze(0).to(context.Device);
        var room = model.Config.Length - bytes.Length;
        using var generator = new Generator(context.Seed, context.Device);
        model.eval();
        var drawn = model.Sample(Math.Min(room, sampling.Count ?? room), prompt, sampling.Temperature, generator: generator,
            cancellation: context.Cancellation);
        context.Output.Heading("Drawn");
        // A sequence may end within a character.
        context.Output.Say(Encoding.UTF8.GetString(symbols.Decode(drawn[0])));
    }

    /// <summary>Draws images into a picture.</summary>
    public static void Pictures(RecipeContext context, SparseTransformer model, SequenceSampling sampling)
    {
        const int Columns = 6;
        using var scope = NewDisposeScope();
        var (rows, columns) = (model.Config.PositionAxes![0], model.Config.PositionAxes[1]);
        var count = sampling.Count ?? 2 * Columns;
        using var generator = new Generator(context.Seed, context.Device);
        model.eval();
        var nothing = empty([count, 0], ScalarType.Int64, context.Device);
        var pixels = model.Sample(rows * columns, nothing, sampling.Temperature, generator: generator, cancellation: context.Cancellation)
            .reshape(count, rows, columns).to(ScalarType.Float32).cpu() / (model.Config.VocabularySize - 1);
        context.Save("samples.png", "images that the net drew", new ImagePicture
        {
            Title = "Drawn pixel by pixel",
            Rows = [.. Enumerable.Range(0, count).Select(i => new ImagePanel("", pixels[i])).Chunk(Columns)],
            PanelSize = 84,
        }.Save);
    }
}
