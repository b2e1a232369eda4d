using System.Globalization;
using TorchZoo.Data;
using TorchZoo.Models.Sequences;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A net of a comparison.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Config">What it is made of.</param>
internal sealed record SequenceNet(string Name, SparseTransformerConfig Config);

/// <summary>Sequences of tokens, and what is asked of nets that learn them.</summary>
internal abstract class SequenceTask : IDisposable
{
    public const string Copy = "copy", Text = "text", Images = "images", NoteName = "task";

    // Names of nets, and of what is measured.
    public const string Sparse = "sparse", Dense = "dense", Local = "local only", Accuracy = "accuracy", Bits = "bits";

    public static string[] Names { get; } = [Copy, Text, Images];

    public abstract string Name { get; }

    public abstract string Title { get; }

    /// <summary>Tokens and targets, both int64 (length); of an epoch.</summary>
    public abstract IDataset Train { get; }

    public abstract IDataset HeldOut { get; }

    /// <summary>The sparse one first.</summary>
    public abstract IReadOnlyList<SequenceNet> Nets { get; }

    public abstract TrainingPlan Plan { get; }

    /// <summary>What of <see cref="Accuracy"/> and <see cref="Bits"/> the task is about.</summary>
    public abstract string Metric { get; }

    /// <summary>What checkpoints have to say about their tokens.</summary>
    public virtual IReadOnlyDictionary<string, string> Notes => new Dictionary<string, string>();

    /// <summary>Shows what the sparse net has learned.</summary>
    public virtual void Show(SparseTransformer model) { }

    /// <summary>What is claimed.</summary>
    /// <param name="values">The nets' metric, in their order.</param>
    public abstract Claim Judge(double[] values);

    public abstract void Dispose();

    /// <summary>The sparse net is not worse than the dense one by more than a margin.</summary>
    protected static Claim AgainstDense(string unit, double[] values, double margin) =>
        new(SparseTransformerRecipe.Name, $"{unit}, sparse", values[0], values[1] + margin, values[1],
        [
            new(string.Create(CultureInfo.InvariantCulture,
                $"sparse {values[0]:0.000} {unit}, dense {values[1]:0.000} (at most {margin} more)"), values[0] <= values[1] + margin),
        ]);

    /// <summary>Three nets of the same size, the sparse one first.</summary>
    protected static IReadOnlyList<SequenceNet> Three(SparseTransformerConfig sparse) =>
    [
        new(Sparse, sparse), new(Dense, sparse with { Pattern = FactorizedPattern.Dense, Layout = default }),
        new(Local, sparse with { Pattern = FactorizedPattern.Local, Layout = default }),
    ];
}
