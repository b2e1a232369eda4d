using static TorchSharp.torch;

namespace TorchZoo.Data.Images;

/// <summary>
/// Grey images and their classes, in a training and a test part. Inputs are float32 (n, 1, height, width) in [0, 1], or as
/// <see cref="ImageOptions"/> ask; targets are int64 (n), the classes' numbers.
/// </summary>
public sealed class LabelledImages : IDisposable
{
    private LabelledImages(string title, IReadOnlyList<string> classNames, PairDataset train, PairDataset test) =>
        (Title, ClassNames, Train, Test) = (title, classNames, train, test);

    /// <summary>What the data set is called.</summary>
    public string Title { get; }

    /// <summary>The classes' names, by their numbers.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>What to train on.</summary>
    public PairDataset Train { get; }

    /// <summary>What to test with.</summary>
    public PairDataset Test { get; }

    /// <summary>Makes the data set of pixels and labels, which are copied.</summary>
    /// <param name="title">What it is called.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <param name="train">Pixels (n, height, width) in [0, <paramref name="white"/>] and labels (n), of any types.</param>
    /// <param name="test">The same of the test part.</param>
    /// <param name="white">The value of a white pixel.</param>
    /// <param name="options">What to take; null: everything, as (n, 1, height, width) in [0, 1].</param>
    /// <returns>Its tensors, on the CPU, belong to the caller, or to the dispose scope that is open.</returns>
    /// <exception cref="ArgumentException">Other shapes, labels that are no class's number, or fewer images than
    /// <paramref name="options"/> ask for.</exception>
    public static LabelledImages Create(string title, IReadOnlyList<string> classNames, (Tensor Images, Tensor Labels) train,
        (Tensor Images, Tensor Labels) test, double white, ImageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentNullException.ThrowIfNull(classNames);
        if (!(white > 0) || !double.IsFinite(white))
            throw new ArgumentOutOfRangeException(nameof(white), white, "Expected a finite number above 0");
        options ??= new ImageOptions();
        Check(train, "training", title, classNames.Count, options.Train, nameof(train));
        Check(test, "test", title, classNames.Count, options.Test, nameof(test));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var parts = (Prepare(train, options.Train, white, options), Prepare(test, options.Test, white, options));
        scope.MoveToOuter(parts.Item1.Inputs, parts.Item1.Targets, parts.Item2.Inputs, parts.Item2.Targets);
        return new LabelledImages(title, classNames, parts.Item1, parts.Item2);
    }

    /// <summary>Disposes of the tensors of both parts.</summary>
    public void Dispose()
    {
        foreach (var part in new[] { Train, Test })
        {
            part.Inputs.Dispose();
            part.Targets.Dispose();
        }
    }

    private static void Check((Tensor Images, Tensor Labels) part, string name, string title, int classes, long? wanted, string parameter)
    {
        ArgumentNullException.ThrowIfNull(part.Images, parameter);
        ArgumentNullException.ThrowIfNull(part.Labels, parameter);
        if (part.Images.dim() != 3 || part.Labels.dim() != 1 || part.Images.shape[0] != part.Labels.shape[0])
            throw new ArgumentException($"{title}: expected {name} images (n, height, width) and labels (n), got {Shape(part.Images)} and "
                + Shape(part.Labels), parameter);
        if (wanted > part.Images.shape[0])
            throw new ArgumentException($"{title}: there are {part.Images.shape[0]} {name} images, {wanted} are asked for", parameter);
        if (part.Labels.shape[0] == 0) return;
        using var scope = NewDisposeScope();
        var (least, most) = (part.Labels.min().to(ScalarType.Int64).item<long>(), part.Labels.max().to(ScalarType.Int64).item<long>());
        if (least < 0 || most >= classes)
            throw new ArgumentException($"{title}: expected {name} labels from 0 to {classes - 1}, got {least} to {most}", parameter);
    }

    private static PairDataset Prepare((Tensor Images, Tensor Labels) part, long? wanted, double white, ImageOptions options)
    {
        var count = wanted ?? part.Images.shape[0];
        var pixels = part.Images.narrow(0, 0, count).cpu().to(ScalarType.Float32, copy: true).div_(white);
        if (options.Mean != 0) pixels.sub_(options.Mean);
        if (options.Std != 1) pixels.div_(options.Std);
        pixels = options.Flatten ? pixels.flatten(1) : pixels.unsqueeze(1);
        return new PairDataset(pixels, part.Labels.narrow(0, 0, count).cpu().to(ScalarType.Int64, copy: true));
    }

    private static string Shape(Tensor tensor) => $"({string.Join(", ", tensor.shape)})";
}
