namespace TorchZoo.Scripts;

/// <summary>Puts a <see cref="Recipe"/> on the command line.</summary>
/// <param name="name">The recipe's name there: the paper's slug, as in <see cref="PaperAttribute"/>, or, where a paper has several recipes,
/// the slug and what it is about, as in <c>siren-poisson</c>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RecipeAttribute(string name) : Attribute
{
    /// <summary>The recipe's name.</summary>
    public string Name { get; } = name;

    /// <summary>The paper's slug, if it isn't the recipe's name.</summary>
    public string Paper { get; init; } = name;
}
