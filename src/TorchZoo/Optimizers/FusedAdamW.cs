using TorchSharp.Modules;

namespace TorchZoo.Optimizers;

/// <summary>
/// <see cref="FusedAdam"/> with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101): θ ← θ − lr·λ·θ beside the Adam step.
/// Groups are <see cref="Adam.ParamGroup"/>.
/// </summary>
public sealed class FusedAdamW : FusedAdam
{
    /// <inheritdoc cref="FusedAdam(IEnumerable{Parameter}, double, double, double, double, double, bool, bool)"/>
    public FusedAdamW(
        IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weightDecay = 1e-2, bool amsgrad = false, bool maximize = false)
        : base(parameters, lr, beta1, beta2, eps, weightDecay, amsgrad, maximize, decoupled: true)
    {
    }
}
