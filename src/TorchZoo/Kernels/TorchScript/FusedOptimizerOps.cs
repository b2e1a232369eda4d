using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.TorchScript;

/// <summary>libtorch's fused optimizer steps, which TorchSharp doesn't bind: one call for all parameters.</summary>
internal static class FusedOptimizerOps
{
    // A constant under test: an error in such a source ends the process (TorchSharp doesn't catch that C++ exception).
    private const string Source = """
        def adam(params: List[Tensor], grads: List[Tensor], exp_avgs: List[Tensor], exp_avg_sqs: List[Tensor],
                 max_exp_avg_sqs: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float,
                 weight_decay: float, eps: float, amsgrad: bool, maximize: bool, decoupled: bool) -> Tensor:
            if decoupled:
                torch._fused_adamw_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, lr=lr, beta1=beta1, beta2=beta2,
                                    weight_decay=weight_decay, eps=eps, amsgrad=amsgrad, maximize=maximize)
            else:
                torch._fused_adam_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, lr=lr, beta1=beta1, beta2=beta2,
                                   weight_decay=weight_decay, eps=eps, amsgrad=amsgrad, maximize=maximize)
            return steps[0]

        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile(Source));

    /// <summary>One step of Adam (decoupled: AdamW) in place. All lists are parallel; <paramref name="maxExpAvgSqs"/> is empty without amsgrad;
    /// each of <paramref name="steps"/> is a float32 scalar, counted up by one before the call.</summary>
    public static void Adam(
        Tensor[] parameters, Tensor[] gradients, Tensor[] expAvgs, Tensor[] expAvgSqs, Tensor[] maxExpAvgSqs, Tensor[] steps,
        double lr, double beta1, double beta2, double weightDecay, double eps, bool amsgrad, bool maximize, bool decoupled)
    {
        // Scalars of our own: those that TorchSharp makes of a double may be finalised before the native call has read them.
        using Scalar lrS = lr.ToScalar(), beta1S = beta1.ToScalar(), beta2S = beta2.ToScalar(), decayS = weightDecay.ToScalar(), epsS = eps.ToScalar();
        var result = Unit.Value.invoke("adam", parameters, gradients, expAvgs, expAvgSqs, maxExpAvgSqs, steps,
            lrS, beta1S, beta2S, decayS, epsS, amsgrad, maximize, decoupled);
        (result as IDisposable)?.Dispose();
    }
}
