using TorchZoo.Data;
using TorchZoo.Data.Formats;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Functions in a file given with <c>--data</c>, of the layout of the paper's published sets: arrays whose first axis are the functions, then
/// one axis for each dimension of space. Only the rows that are used are kept.
/// </summary>
internal sealed class OperatorFile
{
    private const long TestShare = 5;

    private readonly string _path, _testPath;
    private readonly string[] _names, _testNames;
    private readonly long _testRows;
    private readonly int _dimensions;

    private OperatorFile(
        RecipeContext context, OperatorFileOptions options, (long Train, long Test) sizes, int dimensions, string[][] names, bool hasFrames)
    {
        _path = context.Data!;
        _testPath = context.Get(options.TestData) ?? Sibling(_path) ?? _path;
        _dimensions = dimensions;
        (_names, Shape, var rows) = Look(_path, names, dimensions, hasFrames);
        (_testNames, var testShape, _testRows) = Look(_testPath, names, dimensions, hasFrames);
        if (!Shape.SequenceEqual(testShape))
            throw new ArgumentException($"{_testPath}: expected functions of the shape ({string.Join(", ", Shape)}) as in {_path}, "
                + $"got ({string.Join(", ", testShape)})", "--test-data");
        Subsample = context.Get(options.Subsample);
        var isOne = _testPath == _path;
        // A fifth of a single file at most, if nobody asks for more.
        Test = Size(options.TestSize.Name, context.Get(options.TestSize), sizes.Test, _testRows, isOne ? Math.Max(1, rows / TestShare) : _testRows, _testPath);
        var left = isOne ? rows - Test : rows;
        Train = Size(options.TrainSize.Name, context.Get(options.TrainSize), sizes.Train, left, left, _path);
    }

    /// <summary>Functions to train on.</summary>
    public long Train { get; }

    /// <summary>Functions to test on.</summary>
    public long Test { get; }

    /// <summary>Sizes along space, and time if there is any.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Every how many points training takes one; null: the experiment's own choice.</summary>
    public long? Subsample { get; }

    /// <summary>Opens the file given with <c>--data</c> and looks at its shapes; null where none is given.</summary>
    /// <param name="context">The run.</param>
    /// <param name="options">What the command line says about it.</param>
    /// <param name="sizes">Functions to train and test on, if the file has as many and nobody asks for others.</param>
    /// <param name="dimensions">Axes of space.</param>
    /// <param name="names">Arrays to read, each by the names that it may have.</param>
    /// <param name="hasFrames">Whether an axis of time comes after those of space.</param>
    /// <exception cref="ArgumentException">The file lacks an array or functions, or has other shapes.</exception>
    public static OperatorFile? Open(
        RecipeContext context, OperatorFileOptions options, (long Train, long Test) sizes, int dimensions, string[][] names, bool hasFrames = false)
    {
        options.CheckThereIsData(context);
        return context.Data is null ? null : new OperatorFile(context, options, sizes, dimensions, names, hasFrames);
    }

    /// <summary>The functions to train on, on every so many-th point: float32 (functions, s, …) of each array.</summary>
    public Tensor[] ReadTrain(long stride) => Read(_path, _names, 0, Train, stride);

    /// <summary>The functions to test on, at every point.</summary>
    public Tensor[] ReadTest() => Read(_testPath, _testNames, _testPath == _path ? _testRows - Test : 0, Test, 1);

    /// <summary>Points along an axis of every so many-th.</summary>
    public long Resolution(long stride) => (Shape[0] - 1) / stride + 1;

    /// <summary>Pairs of the file's two arrays as functions of one channel.</summary>
    /// <param name="stride">Of the training set.</param>
    /// <param name="testStrides">Of the test sets.</param>
    public OperatorData LoadPairs(long stride, IEnumerable<long> testStrides)
    {
        var (train, test) = (ReadTrain(stride), ReadTest());
        return new OperatorData(new PairDataset(train[0].unsqueeze(1), train[1].unsqueeze(1)), testStrides.ToDictionary(Resolution, s =>
            new PairDataset(test[0][Points(s)].unsqueeze(1).contiguous(), test[1][Points(s)].unsqueeze(1).contiguous())));
    }

    /// <summary>A stride that keeps the last point too, where both ends of an axis are on the grid.</summary>
    /// <exception cref="ArgumentException">It doesn't.</exception>
    public long CheckDivides(long stride, long intervals) => intervals % stride == 0 ? stride : throw new ArgumentException(
        $"--subsample: {stride} doesn't divide {intervals}, the intervals of an axis of {_path}; "
        + $"take {string.Join(", ", Divisors(intervals).TakeWhile(d => d <= intervals / 4))}", "--subsample");

    /// <summary>The divisors of a number, from 1 on.</summary>
    public static IEnumerable<long> Divisors(long number)
    {
        for (var d = 1L; d <= number; d++)
            if (number % d == 0) yield return d;
    }

    private Tensor[] Read(string path, string[] names, long first, long count, long stride)
    {
        using var file = ArrayFile.Open(path);
        return Array.ConvertAll(names, name =>
        {
            using var scope = NewDisposeScope();
            var rows = file.Read(name, first, count);
            return rows[Points(stride)].to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope();
        });
    }

    private TensorIndex[] Points(long stride) => [TensorIndex.Colon, .. Enumerable.Repeat(TensorIndex.Slice(step: stride), _dimensions)];

    private static (string[] Names, long[] Shape, long Rows) Look(string path, string[][] names, int dimensions, bool hasFrames)
    {
        using var file = ArrayFile.Open(path);
        var found = Array.ConvertAll(names, aliases => aliases.FirstOrDefault(file.Contains) ?? throw new ArgumentException(
            $"{path}: expected an array '{aliases[0]}'{(aliases.Length > 1 ? $" (or {string.Join(", ", aliases.Skip(1))})" : "")}; the file has "
            + string.Join(", ", file.Arrays.Select(a => $"{a.Name} ({string.Join(", ", a.Shape)})")), "--data"));
        var first = file[found[0]];
        var axes = dimensions + (hasFrames ? 1 : 0);
        foreach (var info in found.Select(n => file[n]))
        {
            if (info.Shape.Count != axes + 1 || !info.Shape.SequenceEqual(first.Shape) || info.Shape.Skip(1).Take(dimensions).Distinct().Count() != 1)
                throw new ArgumentException($"{path}: expected arrays (functions{string.Concat(Enumerable.Repeat(", s", dimensions))}"
                    + $"{(hasFrames ? ", frames" : "")}) of one shape, got {info}", "--data");
            if (info.Dtype is ScalarType.Bool or ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64)
                throw new ArgumentException($"{path}: expected real numbers, got {info}", "--data");
        }
        return (found, [.. first.Shape.Skip(1)], first.Rows);
    }

    private static long Size(string option, long? asked, long usual, long there, long most, string path)
    {
        if (asked > there) throw new ArgumentException($"{option}: {path} has {there} functions for it, {asked} are asked for", option);
        var size = asked ?? Math.Min(usual, most);
        return size > 0 ? size : throw new ArgumentException($"{path}: there are no functions left; see --train-size and --test-size", "--data");
    }

    // The paper's Darcy sets come in two files.
    private static string? Sibling(string path)
    {
        var name = Path.GetFileName(path);
        var other = name.Replace("smooth1", "smooth2", StringComparison.Ordinal);
        var sibling = Path.Combine(Path.GetDirectoryName(path) ?? "", other);
        return other != name && File.Exists(sibling) ? sibling : null;
    }
}
