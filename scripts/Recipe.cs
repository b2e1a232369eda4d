using System.CommandLine;

namespace TorchZoo.Scripts;

/// <summary>
/// What a paper's recipe file implements: data, training, evaluation and the paper's claim in one place. A class with
/// <see cref="RecipeAttribute"/> is on the command line by being there; nothing else names it.
/// </summary>
/// <example><code>
/// [Recipe("fno")]
/// public sealed class FnoRecipe : Recipe
/// {
///     private readonly Option&lt;double&gt; _viscosity = new("--viscosity") { Description = "…", DefaultValueFactory = _ => 0.01 };
///
///     public override IEnumerable&lt;Option&gt; Options => [_viscosity];
///
///     public override Claim Run(RecipeContext context) => …
/// }
/// </code></example>
public abstract class Recipe
{
    /// <summary>The name of the note by which a checkpoint says which recipe wrote it, where several of a paper train the same model.</summary>
    public const string NoteName = "recipe";

    /// <summary>Options that only this recipe has.</summary>
    public virtual IEnumerable<Option> Options => [];

    /// <summary>
    /// The sets of further arguments with which <c>claims</c> runs this recipe, one a claim, e.g. <c>[[], ["--equation", "darcy"]]</c>.
    /// </summary>
    public virtual IReadOnlyList<IReadOnlyList<string>> Claims => [[]];

    /// <summary>
    /// The variant of the paper that these options choose, part of the run's default folder: <c>runs/fno-darcy</c>. Null: <c>runs/fno</c>.
    /// </summary>
    public virtual string? Variant(ParseResult arguments) => null;

    /// <summary>Trains, evaluates and compares with the baseline.</summary>
    /// <exception cref="OperationCanceledException"><see cref="RecipeContext.Cancellation"/> was asked for; a checkpoint is
    /// saved.</exception>
    public abstract Claim Run(RecipeContext context);

    /// <summary>Evaluates a checkpoint of one of the paper's models without training.</summary>
    /// <returns>The claim as this checkpoint meets it, or null where evaluation only shows numbers.</returns>
    /// <exception cref="NotSupportedException">This recipe has no evaluation of its own.</exception>
    public virtual Claim? Evaluate(EvaluateContext context) =>
        throw new NotSupportedException($"The recipe of {context.Paper.Slug} does not evaluate checkpoints.");

    /// <summary>Lets a checkpoint's model make something up: the command <c>sample</c>.</summary>
    /// <exception cref="NotSupportedException">This recipe's models don't.</exception>
    public virtual void Sample(EvaluateContext context) =>
        throw new NotSupportedException($"The recipe of {context.Paper.Slug} has nothing to sample.");
}
