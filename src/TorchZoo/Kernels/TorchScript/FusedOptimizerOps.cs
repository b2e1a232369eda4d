using TorchSharp;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.TorchScript;

/// <summary>libtorch's operations on lists of tensors, which TorchSharp doesn't bind: one call for all parameters.</summary>
internal static class FusedOptimizerOps
{
    // A constant under test. `divisor` has one tensor or none.
    private const string Source = """
        def adam(params: List[Tensor], grads: List[Tensor], exp_avgs: List[Tensor], exp_avg_sqs: List[Tensor],
                 max_exp_avg_sqs: List[Tensor], steps: List[Tensor], divisor: List[Tensor], lr: float, beta1: float, beta2: float,
                 weight_decay: float, eps: float, amsgrad: bool, maximize: bool, decoupled: bool) -> Tensor:
            scale: Optional[Tensor] = None
            if len(divisor) > 0:
                scale = divisor[0]
            if decoupled:
                torch._fused_adamw_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, lr=lr, beta1=beta1, beta2=beta2,
                                    weight_decay=weight_decay, eps=eps, amsgrad=amsgrad, maximize=maximize, grad_scale=scale)
            else:
                torch._fused_adam_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, lr=lr, beta1=beta1, beta2=beta2,
                                   weight_decay=weight_decay, eps=eps, amsgrad=amsgrad, maximize=maximize, grad_scale=scale)
            return params[0]

        def adam_foreach(params: List[Tensor], grads: List[Tensor], exp_avgs: List[Tensor], exp_avg_sqs: List[Tensor],
                         max_exp_avg_sqs: List[Tensor], decay: float, shrink: float, mean: float, beta2: float, square: float,
                         root: float, eps: float, size: float, amsgrad: bool) -> Tensor:
            if decay != 0.0:
                grads = torch._foreach_add(grads, params, alpha=decay)
            if shrink != 1.0:
                torch._foreach_mul_(params, shrink)
            torch._foreach_lerp_(exp_avgs, grads, mean)
            torch._foreach_mul_(exp_avg_sqs, beta2)
            torch._foreach_addcmul_(exp_avg_sqs, grads, grads, square)
            if amsgrad:
                torch._foreach_maximum_(max_exp_avg_sqs, exp_avg_sqs)
                below = torch._foreach_sqrt(max_exp_avg_sqs)
            else:
                below = torch._foreach_sqrt(exp_avg_sqs)
            torch._foreach_mul_(below, root)
            torch._foreach_add_(below, eps)
            torch._foreach_addcdiv_(params, exp_avgs, below, -size)
            return params[0]

        def sgd(params: List[Tensor], grads: List[Tensor], buffers: List[Tensor], divisor: List[Tensor], weight_decay: float,
                momentum: float, lr: float, dampening: float, nesterov: bool, maximize: bool, first: bool) -> Tensor:
            scale: Optional[Tensor] = None
            if len(divisor) > 0:
                scale = divisor[0]
            torch._fused_sgd_(params, grads, buffers, weight_decay=weight_decay, momentum=momentum, lr=lr, dampening=dampening,
                              nesterov=nesterov, maximize=maximize, is_first_step=first, grad_scale=scale)
            return params[0]

        def sgd_foreach(params: List[Tensor], grads: List[Tensor], buffers: List[Tensor], decay: float, momentum: float, fresh: float,
                        nesterov: float, lr: float) -> Tensor:
            if decay != 0.0:
                grads = torch._foreach_add(grads, params, alpha=decay)
            if len(buffers) > 0:
                if momentum == 0.0:
                    torch._foreach_zero_(buffers)
                else:
                    torch._foreach_mul_(buffers, momentum)
                torch._foreach_add_(buffers, grads, alpha=fresh)
                if nesterov != 0.0:
                    grads = torch._foreach_add(grads, buffers, alpha=nesterov)
                else:
                    grads = buffers
            torch._foreach_add_(params, grads, alpha=-lr)
            return params[0]

        def norm(tensors: List[Tensor]) -> Tensor:
            return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(tensors, 2.0)), 2.0)

        def scale(tensors: List[Tensor], factor: Tensor) -> Tensor:
            torch._foreach_mul_(tensors, factor)
            return tensors[0]

        def lerp(to: List[Tensor], source: List[Tensor], weight: float) -> Tensor:
            torch._foreach_lerp_(to, source, weight)
            return to[0]

        """;

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile(Source));

    /// <summary>One step of Adam (decoupled: AdamW) in place. All lists are parallel; <paramref name="maxExpAvgSqs"/> is empty without
    /// amsgrad.</summary>
    /// <param name="parameters">θ</param>
    /// <param name="gradients">g</param>
    /// <param name="expAvgs">m</param>
    /// <param name="expAvgSqs">v</param>
    /// <param name="maxExpAvgSqs">The largest v so far.</param>
    /// <param name="steps">Each a float32 scalar, this step counted.</param>
    /// <param name="divisor">What the gradients are divided by, a float32 scalar; null: 1.</param>
    /// <param name="options">The numbers.</param>
    /// <param name="decoupled">Whether weight decay acts on the parameters, not on the gradients.</param>
    public static void Adam(Tensor[] parameters, Tensor[] gradients, Tensor[] expAvgs, Tensor[] expAvgSqs, Tensor[] maxExpAvgSqs,
        Tensor[] steps, Tensor? divisor, TorchSharp.Modules.Adam.Options options, bool decoupled) =>
        Invoke("adam", parameters, gradients, expAvgs, expAvgSqs, maxExpAvgSqs, steps, OneOrNone(divisor), options.LearningRate!.Value,
            options.beta1!.Value, options.beta2!.Value, options.weight_decay!.Value, options.eps!.Value, options.amsgrad!.Value,
            options.maximize!.Value, decoupled);

    /// <summary>The same in operations that every device has, for parameters that have made as many steps.</summary>
    public static void AdamForEach(Tensor[] parameters, Tensor[] gradients, Tensor[] expAvgs, Tensor[] expAvgSqs, Tensor[] maxExpAvgSqs,
        in AdamNumbers n) => Invoke("adam_foreach", parameters, gradients, expAvgs, expAvgSqs, maxExpAvgSqs, n.Decay, n.Shrink, n.Mean,
            n.Beta2, n.Square, n.Root, n.Epsilon, n.StepSize, maxExpAvgSqs.Length > 0);

    /// <summary>One step of SGD in place; <paramref name="buffers"/> is empty without momentum.</summary>
    public static void Sgd(Tensor[] parameters, Tensor[] gradients, Tensor[] buffers, Tensor? divisor, TorchSharp.Modules.SGD.Options options,
        bool first) => Invoke("sgd", parameters, gradients, buffers, OneOrNone(divisor), options.weight_decay!.Value, options.momentum!.Value,
            options.LearningRate!.Value, options.dampening!.Value, options.nesterov!.Value, options.maximize!.Value, first);

    /// <summary>The same in operations that every device has.</summary>
    public static void SgdForEach(Tensor[] parameters, Tensor[] gradients, Tensor[] buffers, in SgdNumbers n) =>
        Invoke("sgd_foreach", parameters, gradients, buffers, n.Decay, n.Momentum, n.Fresh, n.Nesterov, n.LearningRate);

    /// <summary>The Euclidean norm of all elements together. A scalar.</summary>
    public static Tensor Norm(Tensor[] tensors) => (Tensor)Unit.Value.invoke("norm", [tensors]);

    /// <summary>Multiplies all by a scalar tensor, in place.</summary>
    public static void Scale(Tensor[] tensors, Tensor factor) => Invoke("scale", tensors, factor);

    /// <summary>to ← to + weight (source − to)</summary>
    public static void Lerp(Tensor[] to, Tensor[] source, double weight) => Invoke("lerp", to, source, weight);

    private static Tensor[] OneOrNone(Tensor? tensor) => tensor is null ? [] : [tensor];

    private static void Invoke(string name, params object[] arguments)
    {
        // Scalars of our own: those that TorchSharp makes of a double may be finalised before the native call has read them.
        var scalars = new List<Scalar>();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is not double number) continue;
            scalars.Add(number.ToScalar());
            arguments[i] = scalars[^1];
        }
        try { (Unit.Value.invoke(name, arguments) as IDisposable)?.Dispose(); }
        finally { scalars.ForEach(s => s.Dispose()); }
    }
}
