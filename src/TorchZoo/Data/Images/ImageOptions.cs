namespace TorchZoo.Data.Images;

/// <summary>How many images of a data set to take, and in which form.</summary>
public sealed record ImageOptions
{
    private readonly long? _train, _test;
    private readonly double _mean, _std = 1;

    /// <summary>Takes the first so many of the training images; null: all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public long? Train { get => _train; init => _train = Positive(value, nameof(Train)); }

    /// <summary>Takes the first so many of the test images; null: all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public long? Test { get => _test; init => _test = Positive(value, nameof(Test)); }

    /// <summary>Pixels x of [0, 1] become (x − mean) / std; 0 leaves them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not finite.</exception>
    public double Mean
    {
        get => _mean;
        init => _mean = double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(Mean), value, "Expected a finite number");
    }

    /// <summary>See <see cref="Mean"/>; 1 leaves pixels as they are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive and finite.</exception>
    public double Std
    {
        get => _std;
        init => _std = double.IsFinite(value) && value > 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(Std), value, "Expected a finite number above 0");
    }

    /// <summary>Images are rows (n, height · width) rather than (n, 1, height, width).</summary>
    public bool Flatten { get; init; }

    private static long? Positive(long? value, string name) => value is null or > 0 ? value
        : throw new ArgumentOutOfRangeException(name, value, "Expected a positive number of images");
}
