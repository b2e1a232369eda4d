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

/// <summary>Stochastic gradient descent's update of a piece of memory, on vectors of the processor's width.</summary>
internal static unsafe class SgdKernel
{
    /// <summary>Updates in place.</summary>
    /// <param name="parameter">θ, <paramref name="count"/> elements, as all others.</param>
    /// <param name="gradient">g</param>
    /// <param name="buffer">The momentum buffer; null without momentum.</param>
    /// <param name="count">Elements.</param>
    /// <param name="numbers">The step's numbers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Update<T>(T* parameter, T* gradient, T* buffer, long count, in SgdNumbers numbers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T factor = T.CreateChecked(numbers.GradientFactor), decay = T.CreateChecked(numbers.Decay), keep = T.CreateChecked(numbers.Momentum),
            fresh = T.CreateChecked(numbers.Fresh), ahead = T.CreateChecked(numbers.Nesterov), rate = T.CreateChecked(numbers.LearningRate);
        var nesterov = ahead != T.Zero;
        // An empty buffer may hold anything; 0·NaN is NaN.
        var empty = keep == T.Zero;
        var i = 0L;
        if (Vector.IsHardwareAccelerated)
        {
            Vector<T> factors = new(factor), decays = new(decay), keeps = new(keep), freshs = new(fresh), aheads = new(ahead), rates = new(rate);
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                var p = Vector.Load(parameter + i);
                var g = Vector.Load(gradient + i) * factors + decays * p;
                if (buffer != null)
                {
                    var b = empty ? freshs * g : keeps * Vector.Load(buffer + i) + freshs * g;
                    Vector.Store(b, buffer + i);
                    g = nesterov ? g + aheads * b : b;
                }
                Vector.Store(p - rates * g, parameter + i);
            }
        }
        for (; i < count; i++)
        {
            var p = parameter[i];
            var g = gradient[i] * factor + decay * p;
            if (buffer != null)
            {
                var b = buffer[i] = empty ? fresh * g : keep * buffer[i] + fresh * g;
                g = nesterov ? g + ahead * b : b;
            }
            parameter[i] = p - rate * g;
        }
    }
}
