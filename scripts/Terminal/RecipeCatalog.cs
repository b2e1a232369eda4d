using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace TorchZoo.Scripts.Terminal;

/// <summary>The recipes that there are, by their papers' slugs.</summary>
internal sealed class RecipeCatalog
{
    private readonly SortedDictionary<string, Recipe> _recipes = new(StringComparer.Ordinal);

    public RecipeCatalog(IEnumerable<Type> types)
    {
        foreach (var type in types)
            if (type.GetCustomAttribute<RecipeAttribute>() is { } attribute && !_recipes.TryAdd(attribute.Paper, Create(type)))
                throw new InvalidOperationException($"Two recipes claim the paper '{attribute.Paper}': {_recipes[attribute.Paper].GetType()} and {type}");
    }

    /// <summary>The slugs, in order.</summary>
    public IReadOnlyCollection<string> Slugs => _recipes.Keys;

    /// <summary>The recipes of the program that was started.</summary>
    public static RecipeCatalog OfProgram() => new((Assembly.GetEntryAssembly() ?? typeof(RecipeCatalog).Assembly).GetTypes());

    public Recipe this[string slug] => _recipes[slug];

    public bool Contains(string slug) => _recipes.ContainsKey(slug);

    /// <summary>The recipe to which a model belongs: that of its paper's slug, of which its name is <c>slug</c> or
    /// <c>slug-variant</c>.</summary>
    public bool TryFindByModel(string modelName, [NotNullWhen(true)] out string? slug)
    {
        slug = PaperOf(modelName, _recipes.Keys);
        return slug is not null;
    }

    /// <summary>The longest of some slugs to which a model's name belongs.</summary>
    internal static string? PaperOf(string modelName, IEnumerable<string> slugs) =>
        slugs.Where(s => modelName == s || modelName.StartsWith(s + "-", StringComparison.Ordinal)).MaxBy(s => s.Length);

    private static Recipe Create(Type type) =>
        type.IsSubclassOf(typeof(Recipe)) && type.GetConstructor(Type.EmptyTypes) is { } constructor
            ? (Recipe)constructor.Invoke([])
            : throw new InvalidOperationException($"{type} has [Recipe] and must derive from {nameof(Recipe)} and have a constructor without parameters");
}
