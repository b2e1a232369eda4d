namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="PolynomialRegression"/> is made of.</summary>
public sealed record PolynomialRegressionConfig
{
    /// <summary>Columns in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>The highest total degree.</summary>
    public int Degree { get; init; } = 2;

    /// <summary>The most distinct columns in a monomial; null: as many as the degree.</summary>
    public int? InteractionDegree { get; init; }

    /// <summary>Which columns are 0 or 1; null: none. Not with <see cref="Components"/>.</summary>
    public IReadOnlyList<bool>? IsDummy { get; init; }

    /// <summary>Number of the categorical column each dummy comes from, negative: of none. Not with <see cref="Components"/>.</summary>
    public IReadOnlyList<int>? Groups { get; init; }

    /// <summary>Principal components that the monomials are of; null: they are of the columns.</summary>
    public int? Components { get; init; }

    /// <summary>The largest absolute value that a standardised column, or a component, may have in evaluation: beyond that the model
    /// doesn't extrapolate. Null: any.</summary>
    public double? Clamp { get; init; }

    internal PolynomialFeatures Features()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        if (Components is { } c && (c < 1 || c > InFeatures))
            throw new ArgumentOutOfRangeException(nameof(Components), c, $"Expected 1 to {InFeatures}");
        if (Components is not null && (IsDummy is not null || Groups is not null))
            throw new ArgumentException("Principal components are no dummies", nameof(Components));
        if (Clamp is not (null or (> 0 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(nameof(Clamp), Clamp, "must be > 0");
        return new PolynomialFeatures(Components ?? InFeatures, Degree, InteractionDegree, IsDummy, Groups);
    }
}
