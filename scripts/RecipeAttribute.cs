namespace TorchZoo.Scripts;

/// <summary>Puts a <see cref="Recipe"/> on the command line under its paper's name.</summary>
/// <param name="paper">The paper's slug, as in <see cref="PaperAttribute"/>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RecipeAttribute(string paper) : Attribute
{
    /// <summary>The paper's slug.</summary>
    public string Paper => paper;
}
