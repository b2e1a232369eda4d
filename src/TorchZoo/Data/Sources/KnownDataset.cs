using System.Reflection;

namespace TorchZoo.Data.Sources;

/// <summary>What people need to know of a published data set: where it is from, what may be done with it, how it is used here. A description
/// is a static property with <see cref="KnownDatasetAttribute"/>.</summary>
public sealed record KnownDataset
{
    /// <summary>Its short name, e.g. <c>fashion-mnist</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What its authors call it.</summary>
    public required string Title { get; init; }

    /// <summary>Where its authors describe it and give it away.</summary>
    public required Uri Home { get; init; }

    /// <summary>The licence, e.g. <c>MIT</c>; <c>not stated</c> where its authors don't say.</summary>
    public required string Licence { get; init; }

    /// <summary>The names of its files.</summary>
    public required IReadOnlyList<string> FileNames { get; init; }

    /// <summary>The command that uses it, without its begin, e.g. <c>fno --equation darcy --data FILE</c>.</summary>
    public required string Use { get; init; }

    /// <summary>Its files with their sums, and the ways to them; null: no address is known that will last, users bring their own copy.</summary>
    public DatasetFiles? Files { get; init; }

    /// <summary>The data sets that assemblies describe, by name.</summary>
    /// <param name="assemblies">Where to look.</param>
    /// <exception cref="InvalidOperationException">Two have one name, or a marked property is no static one of this type.</exception>
    public static IReadOnlyList<KnownDataset> In(params IEnumerable<Assembly> assemblies)
    {
        ArgumentNullException.ThrowIfNull(assemblies);
        var sets = new SortedDictionary<string, KnownDataset>(StringComparer.Ordinal);
        const BindingFlags any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (var property in assemblies.Distinct().SelectMany(a => a.GetTypes()).SelectMany(t => t.GetProperties(any)))
        {
            if (!property.IsDefined(typeof(KnownDatasetAttribute))) continue;
            if (property.GetMethod is not { IsStatic: true } || property.GetValue(null) is not KnownDataset set)
                throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} must be static and of the type {nameof(KnownDataset)}");
            if (!sets.TryAdd(set.Name, set)) throw new InvalidOperationException($"Two data sets are called '{set.Name}'");
        }
        return [.. sets.Values];
    }
}
