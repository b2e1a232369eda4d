namespace TorchZoo.Losses;

/// <summary>How the norms of all samples and channels become one number.</summary>
public enum LossReduction
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>They stay apart: the result has the shape of the leading axes.</summary>
    None,
}
