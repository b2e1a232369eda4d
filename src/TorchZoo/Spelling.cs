namespace TorchZoo;

/// <summary>Finds what somebody probably meant.</summary>
public static class Spelling
{
    /// <summary>The nearest of some known words by edit distance, or null if none is near (more than a third of the word differs).</summary>
    public static string? Nearest(string word, IEnumerable<string> known) => Ranked(word, known)
        .Where(k => k.Distance <= Math.Max(1, Math.Max(word.Length, k.Word.Length) / 3)).Select(k => k.Word).FirstOrDefault();

    /// <summary>The nearest of some known words, however far away they are, the nearest first.</summary>
    public static IReadOnlyList<string> Nearest(string word, IEnumerable<string> known, int count) =>
        [.. Ranked(word, known).Take(count).Select(k => k.Word)];

    /// <summary>Edit distance with insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).</summary>
    internal static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        return d[a.Length, b.Length];
    }

    private static IEnumerable<(string Word, int Distance)> Ranked(string word, IEnumerable<string> known) =>
        known.Select(k => (Word: k, Distance: Distance(word.ToLowerInvariant(), k.ToLowerInvariant())))
            .OrderBy(k => k.Distance).ThenBy(k => k.Word, StringComparer.Ordinal);
}
