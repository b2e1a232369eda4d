namespace TorchZoo.Data.Events;

/// <summary>Frames of events and their classes, in a training and a test part: inputs are float32 (n, T, 2, height, width), targets int64
/// (n), the classes' numbers.</summary>
public sealed class LabelledEvents : IDisposable
{
    /// <summary>Makes the data set; it keeps the parts.</summary>
    /// <param name="title">What it is called.</param>
    /// <param name="classNames">The classes' names, by their numbers.</param>
    /// <param name="train">What to train on.</param>
    /// <param name="test">What to test with.</param>
    /// <exception cref="ArgumentException">Inputs of other shapes.</exception>
    public LabelledEvents(string title, IReadOnlyList<string> classNames, PairDataset train, PairDataset test)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        foreach (var part in new[] { train, test })
            if (part.Inputs.dim() != 5 || !part.Inputs.shape.AsSpan(1).SequenceEqual(train.Inputs.shape.AsSpan(1)))
                throw new ArgumentException(
                    $"Expected (n, T, 2, height, width) of one size, got ({string.Join(", ", part.Inputs.shape)})", nameof(test));
        (Title, ClassNames, Train, Test) = (title, classNames, train, test);
    }

    /// <summary>What the data set is called.</summary>
    public string Title { get; }

    /// <summary>The classes' names, by their numbers.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>What to train on.</summary>
    public PairDataset Train { get; }

    /// <summary>What to test with.</summary>
    public PairDataset Test { get; }

    /// <summary>Disposes of the tensors of both parts.</summary>
    public void Dispose()
    {
        foreach (var part in new[] { Train, Test })
        {
            part.Inputs.Dispose();
            part.Targets.Dispose();
        }
    }
}
