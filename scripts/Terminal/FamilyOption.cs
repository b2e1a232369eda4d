using System.CommandLine;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>--family</c>: papers of one family.</summary>
internal static class FamilyOption
{
    public static Option<string?> Create(string description) => new("--family") { Description = $"{description}, e.g. Operators", HelpName = "FAMILY" };

    /// <summary>The family as it is written, or null if none was given.</summary>
    public static string? Check(string? family)
    {
        if (family is null) return null;
        var families = Zoo.List().Select(p => p.Family).Distinct().ToList();
        return families.Find(f => f.Equals(family, StringComparison.OrdinalIgnoreCase)) ?? throw UsageErrors.Unknown("family", family, families);
    }
}
