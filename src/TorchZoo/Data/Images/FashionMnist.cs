using TorchZoo.Data.Formats;
using TorchZoo.Data.Sources;
using static TorchSharp.torch;

namespace TorchZoo.Data.Images;

/// <summary>
/// Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747): 60 000 training and 10 000 test images of clothing, 28×28 grey pixels,
/// ten classes of equal size.
/// </summary>
public static class FashionMnist
{
    private const string TrainImages = "train-images-idx3-ubyte.gz", TrainLabels = "train-labels-idx1-ubyte.gz";
    private const string TestImages = "t10k-images-idx3-ubyte.gz", TestLabels = "t10k-labels-idx1-ubyte.gz";
    private const long Side = 28;

    /// <summary>Mean of the training images' pixels in [0, 1], for <see cref="ImageOptions.Mean"/>.</summary>
    public const double Mean = 0.2860;

    /// <summary>Standard deviation of these pixels, for <see cref="ImageOptions.Std"/>.</summary>
    public const double Std = 0.3530;

    /// <summary>The files and the ways to them.</summary>
    public static DatasetFiles Files { get; } = new()
    {
        Name = "fashion-mnist",
        Title = "Fashion-MNIST",
        Address = new Uri("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        SystemFolder = "/usr/share/datasets/fashion-mnist",
        SystemPackage = "dataset-fashion-mnist",
        Files =
        [
            new(TrainImages, 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            new(TrainLabels, 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            new(TestImages, 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            new(TestLabels, 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ],
    };

    /// <summary>Where it is from and what may be done with it.</summary>
    [KnownDataset]
    public static KnownDataset Known { get; } = new()
    {
        Name = Files.Name,
        Title = Files.Title,
        Home = new Uri("https://github.com/zalandoresearch/fashion-mnist"),
        Licence = "MIT",
        FileNames = [.. Files.Files.Select(f => f.Name)],
        Use = "sltt [--data FOLDER]",
        Files = Files,
    };

    /// <summary>The ten classes' names, by their numbers.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Reads the images, wherever they are found.</summary>
    /// <param name="options">What to take; null: all, in [0, 1].</param>
    /// <param name="search">Where to look. A folder that is given may hold another set of files of these names and sizes of image, with at
    /// most ten classes, such as MNIST.</param>
    /// <param name="display">Shows how far downloads are.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Its tensors belong to the caller, or to the dispose scope that is open.</returns>
    /// <exception cref="DatasetNotFoundException">The files are nowhere.</exception>
    /// <exception cref="InvalidDataException">A file in a folder that was given isn't what its name says.</exception>
    /// <exception cref="ArgumentException">There are fewer images than asked for.</exception>
    public static LabelledImages Load(ImageOptions? options = null, DatasetSearch? search = null, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        var files = Files.Locate(search, display, cancellation);
        using var scope = NewDisposeScope();
        var train = Part(files[TrainImages], files[TrainLabels]);
        cancellation.ThrowIfCancellationRequested();
        var test = Part(files[TestImages], files[TestLabels]);
        var data = LabelledImages.Create(Files.Title, ClassNames, train, test, byte.MaxValue, options);
        scope.MoveToOuter(data.Train.Inputs, data.Train.Targets, data.Test.Inputs, data.Test.Targets);
        return data;
    }

    private static (Tensor Images, Tensor Labels) Part(string imagePath, string labelPath)
    {
        var (images, labels) = (IdxFile.Load(imagePath), IdxFile.Load(labelPath));
        if (images.dtype != ScalarType.Byte || images.dim() != 3 || images.shape[1] != Side || images.shape[2] != Side)
            throw new InvalidDataException($"{imagePath}: expected uint8 (n, {Side}, {Side}), got {Type(images)}");
        if (labels.dtype != ScalarType.Byte || labels.dim() != 1 || labels.shape[0] != images.shape[0])
            throw new InvalidDataException($"{labelPath}: expected uint8 ({images.shape[0]}), a label for each image, got {Type(labels)}");
        if (labels.shape[0] > 0 && labels.max().item<byte>() is var most && most >= ClassNames.Count)
            throw new InvalidDataException($"{labelPath}: expected labels below {ClassNames.Count}, got {most}");
        return (images, labels);
    }

    private static string Type(Tensor tensor) => $"{tensor.dtype} ({string.Join(", ", tensor.shape)})";
}
