using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Random numbers drawn row by row, so that a larger set begins with the smaller one.</summary>
internal static class RandomRows
{
    public static Tensor Normal(long n, long size, Generator generator) => Draw(n, size, generator, row => row.normal_(0, 1, generator));

    public static Tensor Uniform(long n, long size, double from, double to, Generator generator) =>
        Draw(n, size, generator, row => row.uniform_(from, to, generator));

    private static Tensor Draw(long n, long size, Generator generator, Action<Tensor> fill)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        ArgumentNullException.ThrowIfNull(generator);
        using var scope = NewDisposeScope();
        var rows = empty([n, size], dtype: ScalarType.Float64, device: generator.device);
        for (long i = 0; i < n; i++)
        {
            using var row = NewDisposeScope();
            fill(rows.select(0, i));
        }
        return rows.cpu().MoveToOuterDisposeScope();
    }
}
