namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="PiNet"/> is made of.</summary>
public sealed record PiNetConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of each polynomial, and numbers between two of them.</summary>
    public long HiddenFeatures { get; init; } = 128;

    /// <summary>Degree of each polynomial.</summary>
    public int Degree { get; init; } = 4;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>How a polynomial is made.</summary>
    public PolynomialForm Form { get; init; }

    /// <summary>Polynomials one after the other: the whole is of degree Degree to the power of it.</summary>
    public int Polynomials { get; init; } = 1;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HiddenFeatures, nameof(HiddenFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Degree, nameof(Degree));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Polynomials, nameof(Polynomials));
        if (!Enum.IsDefined(Form)) throw new ArgumentOutOfRangeException(nameof(Form), Form, "is no polynomial network");
    }
}
