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

/// <summary>Adam's update of a piece of memory, on registers of any width.</summary>
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
    public static void Update<T>(T* parameter, T* gradient, T* mean, T* square, T* largest, long count, in AdamNumbers numbers)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Lanes.Run<T, Piece<T>>(new(parameter, gradient, mean, square, largest, count, numbers));

    private readonly struct Piece<T>(T* parameter, T* gradient, T* mean, T* square, T* largest, long count, AdamNumbers numbers)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            V factor = V.Constant(numbers.GradientFactor), decay = V.Constant(numbers.Decay), shrink = V.Constant(numbers.Shrink),
                one = V.Constant(numbers.Mean), beta2 = V.Constant(numbers.Beta2), two = V.Constant(numbers.Square),
                root = V.Constant(numbers.Root), epsilon = V.Constant(numbers.Epsilon), size = V.Constant(numbers.StepSize);
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                V p = full ? V.Load(parameter + i) : V.LoadPart(parameter + i, rest), m = full ? V.Load(mean + i) : V.LoadPart(mean + i, rest),
                    v = full ? V.Load(square + i) : V.LoadPart(square + i, rest);
                var g = (full ? V.Load(gradient + i) : V.LoadPart(gradient + i, rest)) * factor + decay * p;
                m += one * (g - m);
                v = beta2 * v + two * (g * g);
                if (full) m.Store(mean + i);
                else m.StorePart(mean + i, rest);
                if (full) v.Store(square + i);
                else v.StorePart(square + i, rest);
                if (largest != null)
                {
                    v = V.Max(v, full ? V.Load(largest + i) : V.LoadPart(largest + i, rest));
                    if (full) v.Store(largest + i);
                    else v.StorePart(largest + i, rest);
                }
                p = p * shrink - size * m / (V.Sqrt(v) * root + epsilon);
                if (full) p.Store(parameter + i);
                else p.StorePart(parameter + i, rest);
            }
        }
    }
}
