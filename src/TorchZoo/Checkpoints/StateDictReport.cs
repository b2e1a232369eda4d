namespace TorchZoo.Checkpoints;

/// <summary>How a state dict fits a module.</summary>
/// <param name="Missing">Keys of the module that the state dict lacks.</param>
/// <param name="Unexpected">Keys of the state dict that the module lacks.</param>
/// <param name="Mismatched">Keys of both whose shapes differ, or whose values cannot be converted (complex to real), each with the
/// reason.</param>
public sealed record StateDictReport(IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Mismatched)
{
    /// <summary>Whether every key fits.</summary>
    public bool IsExact => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>All that doesn't fit, one line a kind.</summary>
    public override string ToString() => IsExact ? "all keys match" : string.Join(Environment.NewLine, new[]
    {
        Line("missing", Missing),
        Line("unexpected", Unexpected),
        Line("mismatched", Mismatched),
    }.OfType<string>());

    private static string? Line(string what, IReadOnlyList<string> keys) => keys.Count == 0 ? null : $"{what}: {string.Join(", ", keys)}";
}
