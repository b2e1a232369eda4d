using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The checks of arguments that the field models share.</summary>
internal static class Require
{
    public static void Positive(double value, string name)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentException($"Expected a positive number, got {value}", name);
    }

    public static void NotNegative(double value, string name)
    {
        if (!(value >= 0) || !double.IsFinite(value)) throw new ArgumentException($"Expected a number ≥ 0, got {value}", name);
    }

    public static void OneOf(string? value, IReadOnlyList<string> known, string name)
    {
        if (value is null || !known.Contains(value))
            throw new ArgumentException($"Expected one of {string.Join(", ", known)}, got '{value}'", name);
    }

    public static void LastAxis(Tensor x, long size, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.dim() == 0 || x.shape[^1] != size) throw new ArgumentException($"Expected (…, {size}), got ({Text(x)})", name);
    }

    public static void Shape(Tensor x, ReadOnlySpan<long> shape, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (!x.shape.AsSpan().SequenceEqual(shape))
            throw new ArgumentException($"Expected ({string.Join(", ", shape.ToArray())}), got ({Text(x)})", name);
    }

    /// <summary>The shape, or the shape with a batch axis in front.</summary>
    public static void Weights(Tensor x, ReadOnlySpan<long> shape, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.dim() - shape.Length is not (0 or 1) || !x.shape.AsSpan()[^shape.Length..].SequenceEqual(shape))
            throw new ArgumentException($"Expected ({string.Join(", ", shape.ToArray())}), or with a batch axis before, got ({Text(x)})",
                name);
    }

    public static string Text(Tensor x) => string.Join(", ", x.shape);
}
