using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary><see cref="SpikingUpdate"/> on a CPU. Every number is for itself, so nothing depends on how the work is shared out.</summary>
internal static unsafe class SpikingKernel
{
    // Below this a thread's start takes longer than its share.
    private const long WorthThread = 1 << 15;

    /// <summary>s and the new v; u too if it is to be kept.</summary>
    /// <param name="dynamics">What the neurons do.</param>
    /// <param name="x">The input, <paramref name="count"/> numbers as all others.</param>
    /// <param name="v">The potential; null: at rest.</param>
    /// <param name="spikes">s</param>
    /// <param name="next">The new v.</param>
    /// <param name="u">The potential before the reset; null: not wanted.</param>
    /// <param name="count">Neurons.</param>
    public static void Forward<T>(SpikingDynamics dynamics, T* x, T* v, T* spikes, T* next, T* u, long count)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        WorkerThreads.Run(WorkerThreads.Worth(count, WorthThread), count, (first, end) =>
            Lanes.Run<T, Step<T>>(new(dynamics, x + first, At(v, first), spikes + first, next + first, At(u, first), end - first)));

    /// <summary>Gradients by x and by v.</summary>
    /// <param name="dynamics">What the neurons do.</param>
    /// <param name="u">As <see cref="Forward"/> kept it.</param>
    /// <param name="bySpikes">By s; null: 0.</param>
    /// <param name="byNext">By the new v; null: 0.</param>
    /// <param name="byInput">By x; null: not wanted.</param>
    /// <param name="byMembrane">By the old v; null: not wanted.</param>
    /// <param name="count">Neurons.</param>
    public static void Backward<T>(SpikingDynamics dynamics, T* u, T* bySpikes, T* byNext, T* byInput, T* byMembrane, long count)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        WorkerThreads.Run(WorkerThreads.Worth(count, WorthThread), count, (first, end) => Lanes.Run<T, Gradient<T>>(
            new(dynamics, u + first, At(bySpikes, first), At(byNext, first), At(byInput, first), At(byMembrane, first), end - first)));

    private static T* At<T>(T* start, long first) where T : unmanaged => start == null ? null : start + first;

    private readonly struct Step<T>(SpikingDynamics dynamics, T* x, T* v, T* spikes, T* next, T* u, long count) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            V leak = V.Constant(dynamics.Leak), gain = V.Constant(dynamics.InputGain), drift = V.Constant(dynamics.Drift),
                threshold = V.Constant(dynamics.Threshold), rest = V.Constant(dynamics.Rest), one = V.Constant(1);
            var hard = dynamics.Reset is not null;
            for (long i = 0; i < count; i += V.Count)
            {
                var left = count - i;
                var full = left >= V.Count;
                var before = v == null ? rest : full ? V.Load(v + i) : V.LoadPart(v + i, left);
                // Rounded as often as the torch operations are, so that the same neurons spike.
                var potential = before * leak + drift + (full ? V.Load(x + i) : V.LoadPart(x + i, left)) * gain;
                var fires = V.LessThanOrEqual(V.Zero, potential - threshold);
                var s = V.Select(fires, one, V.Zero);
                // By multiplication, so that what isn't finite becomes what it becomes in torch.
                var after = hard ? (one - s) * potential + s * rest : potential - s * threshold;
                if (full)
                {
                    s.Store(spikes + i);
                    after.Store(next + i);
                    if (u != null) potential.Store(u + i);
                    continue;
                }
                s.StorePart(spikes + i, left);
                after.StorePart(next + i, left);
                if (u != null) potential.StorePart(u + i, left);
            }
        }
    }

    private readonly struct Gradient<T>(SpikingDynamics dynamics, T* u, T* bySpikes, T* byNext, T* byInput, T* byMembrane, long count)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            switch (dynamics.Surrogate)
            {
                case SurrogateGradient.Triangle: Sweep<V, Triangle>(); break;
                case SurrogateGradient.Rectangle: Sweep<V, Rectangle>(); break;
                case SurrogateGradient.Sigmoid: Sweep<V, Sigmoid>(); break;
                case SurrogateGradient.ArcTangent: Sweep<V, ArcTangent>(); break;
                case SurrogateGradient.FastSigmoid: Sweep<V, FastSigmoid>(); break;
                default: Sweep<V, Exponential>(); break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Sweep<V, S>() where V : struct, ILanes<V, T> where S : ISurrogate
        {
            V leak = V.Constant(dynamics.Leak), gain = V.Constant(dynamics.InputGain), threshold = V.Constant(dynamics.Threshold),
                rest = V.Constant(dynamics.Rest), alpha = V.Constant(dynamics.SurrogateAlpha), one = V.Constant(1),
                throughReset = dynamics.DetachReset ? V.Zero : one;
            var hard = dynamics.Reset is not null;
            for (long i = 0; i < count; i += V.Count)
            {
                var left = count - i;
                var full = left >= V.Count;
                var potential = full ? V.Load(u + i) : V.LoadPart(u + i, left);
                var distance = potential - threshold;
                var slope = S.Slope<V, T>(V.Abs(distance), alpha);
                var by = bySpikes == null ? V.Zero : slope * (full ? V.Load(bySpikes + i) : V.LoadPart(bySpikes + i, left));
                if (byNext != null)
                {
                    var stays = hard
                        ? V.Select(V.LessThanOrEqual(V.Zero, distance), V.Zero, one) + throughReset * (rest - potential) * slope
                        : one - throughReset * threshold * slope;
                    by += stays * (full ? V.Load(byNext + i) : V.LoadPart(byNext + i, left));
                }
                V byX = by * gain, byV = by * leak;
                if (byInput != null)
                    if (full) byX.Store(byInput + i);
                    else byX.StorePart(byInput + i, left);
                if (byMembrane != null)
                    if (full) byV.Store(byMembrane + i);
                    else byV.StorePart(byMembrane + i, left);
            }
        }
    }

    // The slope at a distance from the threshold, which is the same on both sides.
    private interface ISurrogate
    {
        static abstract V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>;
    }

    private readonly struct Triangle : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            V.Max(V.Zero, alpha - alpha * alpha * distance);
    }

    private readonly struct Rectangle : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            V.Select(V.LessThanOrEqual(distance, alpha * V.Constant(0.5)), V.Constant(1) / alpha, V.Zero);
    }

    private readonly struct Sigmoid : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Sigmoid<V, T>(alpha * distance, out var slope);
            return alpha * slope;
        }
    }

    private readonly struct ArcTangent : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            var scaled = V.Constant(Math.PI / 2) * alpha * distance;
            return V.Constant(0.5) * alpha / (scaled * scaled + V.Constant(1));
        }
    }

    private readonly struct FastSigmoid : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            var growth = alpha * distance + V.Constant(1);
            return V.Constant(1) / (growth * growth);
        }
    }

    private readonly struct Exponential : ISurrogate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V, T>(V distance, V alpha) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            V.Constant(0.5) * alpha * VectorMath.Exp<V, T>(-(alpha * distance));
    }
}
