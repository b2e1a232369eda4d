using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// Trees of Python values, as <see cref="PyTorchFile"/> reads and writes them: null (None), <c>bool</c>, <c>long</c>,
/// <c>BigInteger</c> (what does not fit into a long), <c>double</c>, <c>Complex</c>, <c>string</c>, <c>byte[]</c>,
/// <see cref="PyByteArray"/>, <c>Tensor</c> (an <c>nn.Parameter</c> is a <c>Parameter</c>), <c>ScalarType</c> (a dtype), <c>Device</c>,
/// <c>List&lt;object?&gt;</c>, <see cref="PyTuple"/>, <see cref="PyDict"/> and <see cref="PySet"/>. What is read is free of cycles and
/// bounded in depth (see <see cref="PyTorchLoadLimits"/>); the same object can be in several places.
/// </summary>
public static class PyTree
{
    // Python lets any tensor carry attributes; TorchSharp's class has no room for them.
    private static readonly ConditionalWeakTable<Tensor, PyDict> TensorAttributes = [];

    /// <summary>The Python attributes of a tensor (e.g. marks on parameters), to read or to add.</summary>
    public static PyDict AttributesOf(Tensor tensor) => TensorAttributes.GetValue(tensor, _ => []);

    /// <summary>Whether a tensor has Python attributes.</summary>
    public static bool HasAttributes(Tensor tensor) => TensorAttributes.TryGetValue(tensor, out var attributes) && attributes.Count > 0;

    /// <summary>All tensors of a tree, each once, in order.</summary>
    public static IReadOnlyList<Tensor> Tensors(object? tree) => TreeWalk.Tensors(tree);

    /// <summary>Disposes of all tensors of a tree.</summary>
    public static void DisposeTensors(object? tree)
    {
        foreach (var tensor in TreeWalk.Tensors(tree)) tensor.Dispose();
    }

    internal static bool Find(object? from, ReadOnlySpan<object> path, out object? value, out string missing)
    {
        value = from;
        missing = "";
        foreach (var step in path)
        {
            missing = $"{step}";
            switch (value)
            {
                case PyDict dict when dict.TryGetValue(step, out var next):
                    value = next;
                    break;
                case IReadOnlyList<object?> list when step is int index && index >= 0 && index < list.Count:
                    value = list[index];
                    break;
                default:
                    value = null;
                    return false;
            }
        }
        return true;
    }

    internal static bool TryAs<T>(object? value, [MaybeNullWhen(false)] out T result)
    {
        object? converted = (default(T), value) switch
        {
            (double, long n) => (double)n,
            (double, int n) => (double)n,
            (double, float x) => (double)x,
            (float, double x) => (float)x,
            (float, long n) => (float)n,
            (long, int n) => (long)n,
            (int, long n and >= int.MinValue and <= int.MaxValue) => (int)n,
            (BigInteger, long n) => (BigInteger)n,
            (_, PyByteArray array) when typeof(T) == typeof(byte[]) => array.Bytes,
            _ => value,
        };
        result = converted is T typed ? typed : default!;
        return converted is T;
    }

    internal static string Show(ReadOnlySpan<object> path) =>
        string.Join("/", path.ToArray().Select(step => step is string text ? PyKey.Printable(text) : $"{step}"));

    internal static string Describe(object? value) => value switch
    {
        null => "None",
        Parameter parameter => $"a parameter [{string.Join(", ", parameter.shape)}]",
        Tensor tensor => $"a tensor [{string.Join(", ", tensor.shape)}]",
        PyDict dict => $"a {dict.Kind}",
        PyTuple { IsSize: true } => "a torch.Size",
        _ => Describe(value.GetType()),
    };

    internal static string Describe(Type type) => type switch
    {
        _ when type == typeof(bool) => "a bool",
        _ when type == typeof(long) || type == typeof(int) || type == typeof(BigInteger) => "an int",
        _ when type == typeof(double) || type == typeof(float) => "a float",
        _ when type == typeof(Complex) => "a complex",
        _ when type == typeof(string) => "a string",
        _ when type == typeof(byte[]) => "bytes",
        _ when type == typeof(PyByteArray) => "a bytearray",
        _ when type == typeof(Tensor) || type == typeof(Parameter) => "a tensor",
        _ when type == typeof(ScalarType) => "a dtype",
        _ when type == typeof(Device) => "a device",
        _ when type == typeof(List<object?>) => "a list",
        _ when type == typeof(PyTuple) => "a tuple",
        _ when type == typeof(IReadOnlyList<object?>) => "a list or a tuple",
        _ when type == typeof(PyDict) => "a dict",
        _ when type == typeof(PySet) => "a set",
        _ => $"a {type.Name}",
    };
}
