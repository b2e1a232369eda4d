using TorchSharp;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>A real field on a regular grid, for level sets: its values in plain memory and where its nodes are.</summary>
internal sealed unsafe class GridField : IDisposable
{
    private readonly Tensor _values;
    private readonly double* _pointer;
    private readonly (double Low, double High)[]? _axes;
    private readonly long[] _strides;

    public GridField(Tensor field, int dimensions, double level, IReadOnlyList<(double Low, double High)>? axes)
    {
        ArgumentNullException.ThrowIfNull(field);
        if (!field.is_floating_point() || field.dim() != dimensions)
            throw new ArgumentException(
                $"Expected a real field with {dimensions} axes, got {field.dtype} ({string.Join(", ", field.shape)})", nameof(field));
        if (!double.IsFinite(level)) throw new ArgumentException($"Expected a finite level, got {level}", nameof(level));
        if (axes is not null && (axes.Count != dimensions || axes.Any(a => !(a.High > a.Low) || !double.IsFinite(a.High - a.Low))))
            throw new ArgumentException($"Expected {dimensions} finite intervals (low, high), got {string.Join(", ", axes)}", nameof(axes));
        using (NewDisposeScope())
        {
            if (!field.isfinite().all().item<bool>())
                throw new ArgumentException("Expected finite values, got some that aren't", nameof(field));
            // Held here: one that TorchSharp makes by itself may be finalised while libtorch reads it.
            using Scalar shift = level;
            // The level is 0 from here on: what counts are signs.
            _values = TensorMemory.Plain(field.detach().to(ScalarType.Float64) - shift).DetachFromDisposeScope();
        }
        _pointer = (double*)TensorMemory.Pointer(_values);
        (Shape, _axes) = (_values.shape, axes?.ToArray());
        _strides = [.. Enumerable.Range(0, dimensions).Select(a => Shape[(a + 1)..].Aggregate(1L, (p, n) => p * n))];
    }

    public long[] Shape { get; }

    /// <summary>The step of a node's number along an axis.</summary>
    public long Stride(int axis) => _strides[axis];

    public double this[long node] => _pointer[node];

    /// <summary>The coordinate along one axis of the point between a node and the next one along another where the values, of different
    /// signs, are interpolated to 0.</summary>
    public double Crossing(long node, int edge, int axis)
    {
        double from = this[node], to = this[node + _strides[edge]];
        var place = node / _strides[axis] % Shape[axis] + (edge == axis ? from / (from - to) : 0);
        return _axes is null ? place : _axes[axis].Low + ((_axes[axis].High - _axes[axis].Low) * place / (Shape[axis] - 1));
    }

    /// <summary>
    /// How the level line passes a square. Corners are numbered around it; side k goes from corner k to the next. A segment begins at the
    /// side on which the way around leaves the inside (values below the level) and ends at one on which it comes back.
    /// </summary>
    /// <param name="v">The four values.</param>
    /// <param name="segments">Gets (from, to) sides.</param>
    /// <returns>How many segments: 0, 1 or 2.</returns>
    /// <remarks>Where both diagonals differ in sign, the bilinear interpolant's saddle decides which corners hang together (Nielson and
    /// Hamann 1991); both cubes at a face come to the same conclusion.</remarks>
    public static int CrossSquare(ReadOnlySpan<double> v, Span<(int From, int To)> segments)
    {
        Span<int> leaving = stackalloc int[2], entering = stackalloc int[2];
        var (left, entered) = (0, 0);
        for (var k = 0; k < 4; k++)
        {
            bool here = v[k] < 0, there = v[(k + 1) & 3] < 0;
            if (here && !there) leaving[left++] = k;
            else if (!here && there) entering[entered++] = k;
        }
        if (left < 2)
        {
            if (left == 1) segments[0] = (leaving[0], entering[0]);
            return left;
        }
        // The segment from the side after an inside corner to the side before it cuts that corner off; the one to the side after the next
        // outside corner cuts off the latter.
        var (inside, outside) = v[0] < 0 ? (v[0] * v[2], v[1] * v[3]) : (v[1] * v[3], v[0] * v[2]);
        for (var i = 0; i < 2; i++) segments[i] = (leaving[i], (leaving[i] + (inside > outside ? 1 : 3)) & 3);
        return 2;
    }

    public void Dispose() => _values.Dispose();
}
