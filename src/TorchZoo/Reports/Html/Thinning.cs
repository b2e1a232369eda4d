namespace TorchZoo.Reports.Html;

/// <summary>Fewer points that look the same: of each stretch the least and the greatest stay, so that no spike is lost.</summary>
internal static class Thinning
{
    /// <summary>At most so many points of a line, about.</summary>
    /// <param name="x">Abscissae, rising.</param>
    /// <param name="y">Ordinates, as many.</param>
    /// <param name="most">The most points, at least 4. The first and the last always stay, and one that isn't finite for each gap.</param>
    /// <returns>The places of the points that stay, rising.</returns>
    public static int[] Keep(ReadOnlySpan<double> x, ReadOnlySpan<double> y, int most)
    {
        if (x.Length != y.Length) throw new ArgumentException($"{x.Length} abscissae and {y.Length} ordinates.", nameof(y));
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 4);
        if (x.Length <= most) return [.. Enumerable.Range(0, x.Length)];
        var kept = new SortedSet<int> { 0, x.Length - 1 };
        // Stretches of equal length on the axis, not of equally many points: that is what a pixel shows.
        var stretches = (most - 2) / 2;
        var (low, width) = (x[0], x[^1] - x[0]);
        for (var i = 0; i < x.Length;)
        {
            var stretch = Stretch(x[i]);
            int least = -1, greatest = -1, gap = -1;
            for (; i < x.Length && Stretch(x[i]) == stretch; i++)
            {
                if (!double.IsFinite(y[i])) gap = gap < 0 ? i : gap;
                else
                {
                    if (least < 0 || y[i] < y[least]) least = i;
                    if (greatest < 0 || y[i] > y[greatest]) greatest = i;
                }
            }
            foreach (var place in (ReadOnlySpan<int>)[least, greatest, gap])
                if (place >= 0) kept.Add(place);
        }
        return [.. kept];

        int Stretch(double at) => width > 0 ? Math.Min(stretches - 1, (int)((at - low) / width * stretches)) : 0;
    }
}
