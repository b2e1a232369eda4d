using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>The numbers of one step of stochastic gradient descent.</summary>
/// <param name="GradientFactor">What the gradient is multiplied by: clipping, loss scaling, the sign of a maximisation.</param>
/// <param name="Decay">λ of the L2 term.</param>
/// <param name="Momentum">μ; 0 for the first step, when the buffer holds nothing yet.</param>
/// <param name="Fresh">What a gradient counts in the buffer: 1 − dampening; 1 for the first step.</param>
/// <param name="Nesterov">μ of Nesterov's look ahead; 0 without.</param>
/// <param name="LearningRate">lr</param>
internal readonly record struct SgdNumbers(
    double GradientFactor, double Decay, double Momentum, double Fresh, double Nesterov, double LearningRate);

/// <summary>Stochastic gradient descent's update of a piece of memory, on registers of any width.</summary>
internal static unsafe class SgdKernel
{
    /// <summary>Updates in place.</summary>
    /// <param name="parameter">θ, <paramref name="count"/> elements, as all others.</param>
    /// <param name="gradient">g</param>
    /// <param name="buffer">The momentum buffer; null without momentum.</param>
    /// <param name="count">Elements.</param>
    /// <param name="numbers">The step's numbers.</param>
    public static void Update<T>(T* parameter, T* gradient, T* buffer, long count, in SgdNumbers numbers)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Lanes.Run<T, Piece<T>>(new(parameter, gradient, buffer, count, numbers));

    private readonly struct Piece<T>(T* parameter, T* gradient, T* buffer, long count, SgdNumbers numbers) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            V factor = V.Constant(numbers.GradientFactor), decay = V.Constant(numbers.Decay), keep = V.Constant(numbers.Momentum),
                fresh = V.Constant(numbers.Fresh), ahead = V.Constant(numbers.Nesterov), rate = V.Constant(numbers.LearningRate);
            var nesterov = numbers.Nesterov != 0;
            // An empty buffer may hold anything; 0·NaN is NaN.
            var empty = numbers.Momentum == 0;
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                var p = full ? V.Load(parameter + i) : V.LoadPart(parameter + i, rest);
                var g = (full ? V.Load(gradient + i) : V.LoadPart(gradient + i, rest)) * factor + decay * p;
                if (buffer != null)
                {
                    var b = fresh * g;
                    if (!empty) b = keep * (full ? V.Load(buffer + i) : V.LoadPart(buffer + i, rest)) + b;
                    if (full) b.Store(buffer + i);
                    else b.StorePart(buffer + i, rest);
                    g = nesterov ? g + ahead * b : b;
                }
                p -= rate * g;
                if (full) p.Store(parameter + i);
                else p.StorePart(parameter + i, rest);
            }
        }
    }
}
