using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Features of query points for a trunk net: cos 2πf·y and sin 2πf·y for each frequency f. Integer multiples of 1/T make the output
/// T-periodic; random frequencies help with functions that oscillate.
/// </summary>
/// <param name="Frequencies">Frequency vectors in cycles per unit, each as long as a point has coordinates.</param>
public sealed record FourierFeatures(IReadOnlyList<IReadOnlyList<double>> Frequencies)
{
    /// <summary>Coordinates of a point.</summary>
    internal int Dimension => Frequencies[0].Count;

    /// <summary>Number of features: two a frequency.</summary>
    internal long Width => 2 * Frequencies.Count;

    /// <summary>The frequencies k/T, k = 1 … K, of each coordinate by itself.</summary>
    /// <param name="dimension">Coordinates of a point.</param>
    /// <param name="harmonics">K.</param>
    /// <param name="period">T.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static FourierFeatures Periodic(int dimension, int harmonics, double period = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(harmonics);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(period);
        return new([.. from axis in Enumerable.Range(0, dimension)
                       from k in Enumerable.Range(1, harmonics)
                       select (double[])[.. Enumerable.Range(0, dimension).Select(j => j == axis ? k / period : 0)]]);
    }

    /// <summary>Frequencies drawn from a normal distribution around 0.</summary>
    /// <param name="dimension">Coordinates of a point.</param>
    /// <param name="count">Number of frequencies.</param>
    /// <param name="deviation">Standard deviation of their coordinates, in cycles per unit.</param>
    /// <param name="seed">Seed.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static FourierFeatures Random(int dimension, int count, double deviation, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var drawn = (randn([count, dimension], dtype: ScalarType.Float64, generator: generator) * deviation).data<double>().ToArray();
        return new([.. drawn.Chunk(dimension)]);
    }

    /// <summary>The frequencies as a matrix, (coordinates, frequencies).</summary>
    internal Tensor Matrix() => stack([.. Frequencies.Select(f => tensor(f.ToArray(), ScalarType.Float64))], 1);

    /// <summary>(points, coordinates) → (points, 2 · frequencies), cosine and sine of a frequency side by side.</summary>
    internal static Tensor Apply(Tensor y, Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var angles = y.mm(matrix) * (2 * Math.PI);
        return stack([angles.cos(), angles.sin()], -1).flatten(1).MoveToOuterDisposeScope();
    }

    /// <exception cref="ArgumentException">There are none, or they differ in length.</exception>
    internal void Validate(string parameter)
    {
        if (Frequencies is null || Frequencies.Count == 0 || Frequencies.Any(f => f is null || f.Count == 0 || f.Count != Dimension))
            throw new ArgumentException("Trunk: expected one or more frequencies with as many coordinates each as a point has", parameter);
    }

    /// <inheritdoc/>
    public bool Equals(FourierFeatures? other) => other is not null && Frequencies.Count == other.Frequencies.Count
        && Frequencies.Zip(other.Frequencies).All(f => f.First.SequenceEqual(f.Second));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Frequencies.Count, Frequencies[0][0]);
}
