using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>Checks of a kernel's arguments. Each throws an <see cref="ArgumentException"/> that names the parameter, what was expected and
/// what came.</summary>
public static class Expect
{
    /// <summary>Checks a shape.</summary>
    /// <param name="tensor">The argument; null passes (see <see cref="ArgumentNullException.ThrowIfNull(object?, string?)"/>).</param>
    /// <param name="parameter">Its name.</param>
    /// <param name="shape">The sizes; −1 for any.</param>
    public static void Shape(Tensor? tensor, string parameter, params ReadOnlySpan<long> shape)
    {
        if (tensor is null) return;
        var got = tensor.shape;
        var fits = got.Length == shape.Length;
        for (var i = 0; fits && i < got.Length; i++) fits = shape[i] == -1 || shape[i] == got[i];
        if (fits) return;
        var expected = string.Join(", ", shape.ToArray().Select(n => n == -1 ? "any" : $"{n}"));
        throw new ArgumentException($"expected shape ({expected}), got ({string.Join(", ", got)})", parameter);
    }

    /// <summary>Checks the type of the elements.</summary>
    /// <param name="tensor">The argument; null passes.</param>
    /// <param name="parameter">Its name.</param>
    /// <param name="types">Those that are allowed.</param>
    public static void Type(Tensor? tensor, string parameter, params ReadOnlySpan<ScalarType> types)
    {
        if (tensor is null || types.Contains(tensor.dtype)) return;
        throw new ArgumentException($"expected {string.Join(" or ", types.ToArray())}, got {tensor.dtype}", parameter);
    }

    /// <summary>Checks that a tensor has another's type and is on its device.</summary>
    /// <param name="tensor">The argument; null passes.</param>
    /// <param name="other">The other.</param>
    /// <param name="parameter">The argument's name.</param>
    public static void Like(Tensor? tensor, Tensor other, string parameter)
    {
        if (tensor is null || tensor.dtype == other.dtype && tensor.device_type == other.device_type
            && tensor.device_index == other.device_index) return;
        throw new ArgumentException($"expected {other.dtype} on {other.device}, got {tensor.dtype} on {tensor.device}", parameter);
    }
}
