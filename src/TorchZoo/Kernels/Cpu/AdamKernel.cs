using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>The numbers of one Adam step, prepared so that an element costs one root and one division.</summary>
/// <param name="GradientFactor">What the gradient is multiplied by: clipping, loss scaling, the sign of a maximisation.</param>
/// <param name="Decay">λ of an L2 term.</param>
/// <param name="Shrink">What the parameter is multiplied by: 1, or 1 − lr·λ with decoupled decay.</param>
/// <param name="Mean">1 − β₁</param>
/// <param name="Beta2">β₂</param>
/// <param name="Square">1 − β₂</param>
/// <param name="Root">1/√(1 − β₂ᵗ)</param>
/// <param name="Epsilon">ε</param>
/// <param name="StepSize">lr/(1 − β₁ᵗ)</param>
internal readonly record struct AdamNumbers(double GradientFactor, double Decay, double Shrink, double Mean, double Beta2, double Square,
    double Root, double Epsilon, double StepSize);

/// <summary>Adam's update of a piece of memory, on vectors of the processor's width.</summary>
internal static unsafe class AdamKernel
{
    /// <summary>Updates in place.</summary>
    /// <param name="parameter">θ, <paramref name="count"/> elements, as all others.</param>
    /// <param name="gradient">g</param>
    /// <param name="mean">m</param>
    /// <param name="square">v</param>
    /// <param name="largest">The largest v so far; null without amsgrad.</param>
    /// <param name="count">Elements.</param>
    /// <param name="numbers">The step's numbers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Update<T>(T* parameter, T* gradient, T* mean, T* square, T* largest, long count, in AdamNumbers numbers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T factor = T.CreateChecked(numbers.GradientFactor), decay = T.CreateChecked(numbers.Decay), shrink = T.CreateChecked(numbers.Shrink),
            one = T.CreateChecked(numbers.Mean), beta2 = T.CreateChecked(numbers.Beta2), two = T.CreateChecked(numbers.Square),
            root = T.CreateChecked(numbers.Root), epsilon = T.CreateChecked(numbers.Epsilon), size = T.CreateChecked(numbers.StepSize);
        var i = 0L;
        if (Vector.IsHardwareAccelerated)
        {
            Vector<T> factors = new(factor), decays = new(decay), shrinks = new(shrink), ones = new(one), betas = new(beta2), twos = new(two),
                roots = new(root), epsilons = new(epsilon), sizes = new(size);
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                var p = Vector.Load(parameter + i);
                var g = Vector.Load(gradient + i) * factors + decays * p;
                var m = Vector.Load(mean + i);
                m += ones * (g - m);
                var v = betas * Vector.Load(square + i) + twos * (g * g);
                Vector.Store(m, mean + i);
                Vector.Store(v, square + i);
                if (largest != null)
                {
                    v = Vector.Max(v, Vector.Load(largest + i));
                    Vector.Store(v, largest + i);
                }
                Vector.Store(p * shrinks - sizes * m / (Vector.SquareRoot(v) * roots + epsilons), parameter + i);
            }
        }
        for (; i < count; i++)
        {
            var p = parameter[i];
            var g = gradient[i] * factor + decay * p;
            var m = mean[i] += one * (g - mean[i]);
            var v = square[i] = beta2 * square[i] + two * (g * g);
            if (largest != null) v = largest[i] = T.Max(v, largest[i]);
            parameter[i] = p * shrink - size * m / (T.Sqrt(v) * root + epsilon);
        }
    }
}
