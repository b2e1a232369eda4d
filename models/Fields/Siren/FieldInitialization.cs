using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Initial weights of coordinate networks. All fill their tensor in place.</summary>
internal static class FieldInitialization
{
    /// <summary>√(6/n)/ω₀: half the width of the interval that keeps sine layers' pre-activations near N(0, 1).</summary>
    public static double SineBound(long fanIn, double omega0) => Math.Sqrt(6.0 / fanIn) / omega0;

    public static void Uniform(Tensor weight, double bound, Generator? generator)
    {
        using var off = no_grad();
        weight.uniform_(-bound, bound, generator);
    }

    public static void Normal(Tensor weight, double std, Generator? generator)
    {
        using var off = no_grad();
        weight.normal_(0, std, generator);
    }

    /// <summary>Weights (out, in) and bias of a layer before one of the baselines' activations: Kaiming-normal for ReLU and softplus,
    /// Xavier-normal for tanh and sigmoid, LeCun-normal for SELU and ELU (the latter with gain √1.55).</summary>
    public static void ForActivation(FieldLayer layer, string activation, Generator? generator)
    {
        var (fanIn, fanOut) = (layer.InFeatures, layer.OutFeatures);
        Normal(layer.Weight, activation switch
        {
            "tanh" or "sigmoid" => Math.Sqrt(2.0 / (fanIn + fanOut)),
            "selu" => 1 / Math.Sqrt(fanIn),
            "elu" => Math.Sqrt(1.5505188080679277 / fanIn),
            _ => Math.Sqrt(2.0 / fanIn),
        }, generator);
        if (layer.Bias is not null) Uniform(layer.Bias, 1 / Math.Sqrt(fanIn), generator);
    }
}
