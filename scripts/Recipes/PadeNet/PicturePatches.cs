using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Squares cut out of pictures at random places, as pairs of a small one, the means of blocks of pixels, and the square
/// itself.</summary>
internal sealed class PicturePatches : IDataset
{
    private readonly Tensor _pictures;
    private readonly long[] _places;
    private readonly long _side;
    private readonly int _scale;

    /// <summary>Chooses the places.</summary>
    /// <param name="pictures">(n, channels, height, width)</param>
    /// <param name="count">How many squares.</param>
    /// <param name="side">A small square's side.</param>
    /// <param name="scale">A block's side.</param>
    /// <param name="generator">Where the places come from.</param>
    public PicturePatches(Tensor pictures, long count, long side, int scale, Generator generator)
    {
        (_pictures, Count, _side, _scale) = (pictures, count, side * scale, scale);
        using var scope = NewDisposeScope();
        long[] limits = [pictures.shape[0], pictures.shape[2] - _side + 1, pictures.shape[3] - _side + 1];
        if (limits.Min() < 1)
            throw new ArgumentException($"Expected pictures of at least {_side} pixels a side, got {pictures.shape[3]}", nameof(pictures));
        _places = stack([.. limits.Select(l => randint(0, l, [count], ScalarType.Int64, generator: generator))], 1).data<long>().ToArray();
    }

    public long Count { get; }

    /// <summary>A picture's means of blocks.</summary>
    public static Tensor Reduced(Tensor picture, int scale) => nn.functional.avg_pool2d(picture, scale);

    public Batch Take(Tensor indices)
    {
        using var scope = NewDisposeScope();
        var large = stack([.. indices.data<long>().Select(i => _pictures[_places[3 * i]].narrow(1, _places[3 * i + 1], _side)
            .narrow(2, _places[3 * i + 2], _side))]);
        return new Pairs(Reduced(large, _scale).MoveToOuterDisposeScope(), large.MoveToOuterDisposeScope());
    }
}
