namespace TorchZoo.Data.Arithmetic;

/// <summary>Where numbers are drawn from, uniformly: [low, high), or [low, high) and (−high, −low] with equal chances.</summary>
/// <param name="Low">The least, with <paramref name="BothSigns"/> the least absolute value.</param>
/// <param name="High">The greatest.</param>
/// <param name="BothSigns">Whether half of them are negated, at random.</param>
public readonly record struct SampleRange(double Low, double High, bool BothSigns = false)
{
    /// <exception cref="ArgumentException">It is empty or not finite.</exception>
    internal void Validate(string parameter)
    {
        if (!double.IsFinite(Low) || !double.IsFinite(High) || High <= Low)
            throw new ArgumentException($"Expected finite numbers low < high, got {Low} and {High}", parameter);
    }
}
