namespace TorchZoo.Models.Neurons;

/// <summary>How many principal components are kept before monomials are made.</summary>
/// <param name="Components">So many; null: by share.</param>
/// <param name="Share">As few as have this share of the variance, in (0, 1]; null: by number.</param>
public sealed record PcaOption(int? Components, double? Share)
{
    /// <summary>A number of components.</summary>
    /// <param name="components">≥ 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It isn't positive.</exception>
    public static PcaOption Of(int components)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(components, 1);
        return new(components, null);
    }

    /// <summary>As few components as explain a share of the variance.</summary>
    /// <param name="share">In (0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">It isn't.</exception>
    public static PcaOption Explaining(double share = 0.9) => share is > 0 and <= 1
        ? new(null, share) : throw new ArgumentOutOfRangeException(nameof(share), share, "must be in (0, 1]");
}
