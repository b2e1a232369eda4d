using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace TorchZoo.Scripts.Terminal;

/// <summary>The recipes that there are, by name. A name is a paper's slug, or begins with one: a paper may have several.</summary>
internal sealed class RecipeCatalog
{
    private readonly SortedDictionary<string, (Recipe Recipe, string Paper)> _recipes = new(StringComparer.Ordinal);

    public RecipeCatalog(IEnumerable<Type> types)
    {
        foreach (var type in types)
        {
            if (type.GetCustomAttribute<RecipeAttribute>() is not { Name: var name, Paper: var paper }) continue;
            if (!_recipes.TryAdd(name, (Create(type), paper)))
                throw new InvalidOperationException($"Two recipes claim the name '{name}': {_recipes[name].Recipe.GetType()} and {type}");
        }
    }

    /// <summary>The recipes' names, in order.</summary>
    public IReadOnlyCollection<string> Names => _recipes.Keys;

    /// <summary>The recipes of the program that was started.</summary>
    public static RecipeCatalog OfProgram() => new((Assembly.GetEntryAssembly() ?? typeof(RecipeCatalog).Assembly).GetTypes());

    public Recipe this[string name] => _recipes[name].Recipe;

    public bool Contains(string name) => _recipes.ContainsKey(name);

    /// <summary>The slug of a recipe's paper.</summary>
    public string PaperOf(string name) => _recipes[name].Paper;

    /// <summary>The names of a paper's recipes, in order.</summary>
    public IEnumerable<string> NamesOf(string paper) => _recipes.Where(r => r.Value.Paper == paper).Select(r => r.Key);

    /// <summary>The recipe to which a model belongs: the name of the model is the recipe's, or begins with it and a hyphen.</summary>
    public bool TryFindByModel(string modelName, [NotNullWhen(true)] out string? name)
    {
        name = NearestOf(modelName, _recipes.Keys);
        return name is not null;
    }

    /// <summary>The longest of some names to which a model's name belongs.</summary>
    internal static string? NearestOf(string modelName, IEnumerable<string> names) =>
        names.Where(n => modelName == n || modelName.StartsWith(n + "-", StringComparison.Ordinal)).MaxBy(n => n.Length);

    private static Recipe Create(Type type) =>
        type.IsSubclassOf(typeof(Recipe)) && type.GetConstructor(Type.EmptyTypes) is { } constructor
            ? (Recipe)constructor.Invoke([])
            : throw new InvalidOperationException($"{type} has [Recipe] and must derive from {nameof(Recipe)} and have a constructor without parameters");
}
