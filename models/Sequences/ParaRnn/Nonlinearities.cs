using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>The nonlinearities and their derivatives in torch operations.</summary>
internal static class Nonlinearities
{
    private const double SeluScale = 1.0507009873554804934193349852946, SeluAlpha = 1.6732632423543772848170429916717;
    private const double GeluTwice = 1.5957691216057308, GeluCubic = 0.044715;

    public static Tensor Of(this Nonlinearity kind, Tensor x) => kind switch
    {
        Nonlinearity.Identity => x,
        Nonlinearity.Relu => x.relu(),
        Nonlinearity.LeakyRelu => functional.leaky_relu(x, 0.01),
        Nonlinearity.Silu => functional.silu(x),
        Nonlinearity.Gelu => x * (GeluTwice * (x + GeluCubic * x * x * x)).sigmoid(),
        Nonlinearity.Selu => functional.selu(x),
        Nonlinearity.Tanh => x.tanh(),
        Nonlinearity.Sigmoid => x.sigmoid(),
        Nonlinearity.HalfSigmoid => 0.5 * x.sigmoid(),
        Nonlinearity.Exp => x.exp(),
        Nonlinearity.Softplus => functional.softplus(x),
        _ => functional.elu(x, 1.0),
    };

    /// <summary>The derivative at x, where the value is y.</summary>
    public static Tensor Slope(this Nonlinearity kind, Tensor x, Tensor y)
    {
        switch (kind)
        {
            case Nonlinearity.Identity: return ones_like(x);
            case Nonlinearity.Relu: return x.gt(0).to(x.dtype);
            case Nonlinearity.LeakyRelu: return where(x.gt(0), ones_like(x), full_like(x, 0.01));
            case Nonlinearity.Silu: return x.sigmoid() + y * (-x).sigmoid();
            case Nonlinearity.Gelu:
                var s = (GeluTwice * (x + GeluCubic * x * x * x)).sigmoid();
                return s + x * s * (1 - s) * (GeluTwice * (1 + 3 * GeluCubic * x * x));
            case Nonlinearity.Selu: return where(x.gt(0), full_like(x, SeluScale), y + SeluScale * SeluAlpha);
            case Nonlinearity.Tanh: return 1 - y * y;
            case Nonlinearity.Sigmoid: return y * (1 - y);
            case Nonlinearity.HalfSigmoid: return y * (1 - 2 * y);
            case Nonlinearity.Exp: return y;
            case Nonlinearity.Softplus: return x.sigmoid();
            default: return where(x.gt(0), ones_like(x), y + 1);
        }
    }

    /// <summary>Whether a gate of it lies in [0, 1].</summary>
    public static bool IsShare(this Nonlinearity kind) => kind is Nonlinearity.Sigmoid or Nonlinearity.HalfSigmoid;
}
