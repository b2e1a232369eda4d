using TorchZoo.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo;

/// <summary>Point-wise activations by the names that configurations use: PyTorch's (<c>torch.nn.functional</c>), with its
/// defaults.</summary>
public static class Activations
{
    private static readonly Dictionary<string, Func<Tensor, Tensor>> ByName = new(StringComparer.Ordinal)
    {
        ["celu"] = x => functional.celu(x, 1.0),
        ["elu"] = x => functional.elu(x, 1.0),
        ["gelu"] = x => functional.gelu(x), // the exact form with erf
        ["hardshrink"] = x => functional.hardshrink(x),
        ["hardsigmoid"] = x => functional.hardsigmoid(x),
        ["hardswish"] = x => functional.hardswish(x),
        ["hardtanh"] = x => x.clamp(-1, 1), // TorchSharp's hardtanh gives its argument back as it is
        ["identity"] = x => x.alias(),
        ["leaky_relu"] = x => functional.leaky_relu(x, 0.01),
        ["logsigmoid"] = x => functional.logsigmoid(x),
        ["mish"] = x => functional.mish(x),
        ["relu"] = x => functional.relu(x),
        ["relu6"] = x => functional.relu6(x),
        ["selu"] = x => functional.selu(x),
        ["sigmoid"] = x => x.sigmoid(),
        ["silu"] = x => functional.silu(x),
        ["sin"] = x => x.sin(),
        ["softplus"] = x => functional.softplus(x),
        ["softshrink"] = x => functional.softshrink(x),
        ["softsign"] = x => functional.softsign(x),
        ["swish"] = x => functional.silu(x), // SiLU's other name
        ["tanh"] = x => x.tanh(),
        ["tanhshrink"] = x => functional.tanhshrink(x),
    };

    private static readonly Dictionary<string, Activation> Kinds = new(StringComparer.Ordinal)
    {
        ["gelu"] = Activation.Gelu,
        ["identity"] = Activation.Identity,
        ["mish"] = Activation.Mish,
        ["relu"] = Activation.Relu,
        ["sigmoid"] = Activation.Sigmoid,
        ["silu"] = Activation.Silu,
        ["sin"] = Activation.Sin,
        ["softplus"] = Activation.Softplus,
        ["swish"] = Activation.Silu,
        ["tanh"] = Activation.Tanh,
    };

    /// <summary>All names, in order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The activation of that name. The function returns a new tensor and leaves its argument alone.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="parameter">Name of the caller's parameter, for the message.</param>
    /// <exception cref="ArgumentException">There is none of that name; the message lists the names.</exception>
    public static Func<Tensor, Tensor> Named(string name, string parameter) =>
        name is not null && ByName.TryGetValue(name, out var activation)
            ? activation
            : throw new ArgumentException($"Unknown activation '{name}'; expected one of {string.Join(", ", Names)}", parameter);

    /// <summary>The activation of that name of a sum, in one pass over memory where there is a kernel
    /// (<see cref="PointwiseActivation"/>).</summary>
    /// <inheritdoc cref="Named"/>
    public static SumActivation OfSum(string name, string parameter)
    {
        var activation = Named(name, parameter);
        if (Kinds.TryGetValue(name, out var kind)) return (x, bias, residual) => PointwiseActivation.Apply(kind, x, bias, residual);
        return (x, bias, residual) =>
        {
            using var scope = NewDisposeScope();
            return activation(PointwiseActivation.Apply(Activation.Identity, x, bias, residual)).MoveToOuterDisposeScope();
        };
    }
}
