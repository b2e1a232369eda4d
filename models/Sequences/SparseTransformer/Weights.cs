using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Initial weights.</summary>
internal static class Weights
{
    /// <summary>A linear map with a bias of zeros and normal weights of variance scale / inputs.</summary>
    public static Linear Linear(long inputs, long outputs, double scale, Generator? generator)
    {
        using var off = no_grad();
        var linear = nn.Linear(inputs, outputs);
        Normal(linear.weight!, Math.Sqrt(scale / inputs), generator);
        linear.bias!.zero_();
        return linear;
    }

    public static Parameter Normal(long[] shape, double std, Generator? generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var parameter = new Parameter(empty(shape));
        Normal(parameter, std, generator);
        parameter.MoveToOuterDisposeScope();
        return parameter;
    }

    private static void Normal(Tensor weight, double std, Generator? generator)
    {
        using var values = randn(weight.shape, generator: generator);
        weight.copy_(values.mul_(std));
    }
}
