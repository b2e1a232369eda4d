using System.Numerics;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.TorchScript;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>All gradients of a model together.</summary>
public static class Gradients
{
    // As torch.nn.utils.clip_grad_norm_ has it.
    private const double Epsilon = 1e-6;

    /// <summary>The Euclidean norm of all gradients as one vector, in one pass over them; 0 if there are none.</summary>
    /// <param name="parameters">Those without a gradient are passed over.</param>
    /// <returns>A scalar on the first gradient's device, float64 if that is on a CPU, else float32; nothing waits for the device.</returns>
    public static Tensor Norm(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return NormOf(Of(parameters)).MoveToOuterDisposeScope();
    }

    /// <summary>Scales all gradients down together so that their norm is at most <paramref name="maximum"/> (Pascanu et al. 2013).</summary>
    /// <remarks>A <see cref="FusedOptimizer"/> under a <see cref="Training.Trainer"/> does the scaling in its own pass instead.</remarks>
    /// <param name="parameters">Those without a gradient are passed over.</param>
    /// <param name="maximum">&gt; 0</param>
    /// <returns>The norm before, as <see cref="Norm(IEnumerable{Parameter})"/> gives it.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maximum"/> is not positive.</exception>
    public static Tensor ClipNorm(IEnumerable<Parameter> parameters, double maximum)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximum);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var gradients = Of(parameters);
        var norm = NormOf(gradients);
        if (gradients.Length > 0) Scale(gradients, Clipping(norm, maximum));
        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>The gradients that are there, in the caller's dispose scope.</summary>
    internal static Tensor[] Of(IEnumerable<Parameter> parameters) => [.. parameters.Select(p => p.grad).OfType<Tensor>()];

    /// <summary>See <see cref="Norm(IEnumerable{Parameter})"/>.</summary>
    internal static Tensor NormOf(Tensor[] gradients)
    {
        if (gradients.Length == 0) return zeros([], ScalarType.Float64);
        var dtype = gradients[0].dtype;
        if (gradients.All(g => g.dtype == dtype && TensorShares.CanShare(g)))
            return tensor(Math.Sqrt(dtype == ScalarType.Float32 ? SquaredNorm<float>(gradients) : SquaredNorm<double>(gradients)));
        using var scope = NewDisposeScope();
        var device = gradients[0].device;
        var norms = gradients.GroupBy(g => (g.dtype, g.device_type, g.device_index))
            .Select(alike => FusedOptimizerOps.Norm([.. alike]).to(ScalarType.Float32).to(device)).ToList();
        return (norms.Count == 1 ? norms[0] : stack(norms).norm()).MoveToOuterDisposeScope();
    }

    /// <summary>What gradients of a norm are multiplied by to have at most another: ≤ 1. A scalar like <paramref name="norm"/>.</summary>
    internal static Tensor Clipping(Tensor norm, double maximum)
    {
        using var scope = NewDisposeScope();
        return (maximum / (norm + Epsilon)).clamp(max: 1).MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies gradients in place.</summary>
    internal static void Scale(Tensor[] gradients, Tensor factor)
    {
        using var scope = NewDisposeScope();
        foreach (var alike in gradients.GroupBy(g => (g.dtype, g.device_type, g.device_index)))
            FusedOptimizerOps.Scale([.. alike], factor.to(alike.First().dtype, alike.First().device));
    }

    // Each worker adds up its own share, so that the result doesn't depend on who is faster.
    private static unsafe double SquaredNorm<T>(Tensor[] tensors) where T : unmanaged, IFloatingPointIeee754<T>
    {
        nint[] addresses = [.. tensors.Select(TensorMemory.Address)];
        long[] lengths = [.. tensors.Select(t => t.numel())];
        var sums = new double[TensorShares.Workers(lengths)];
        TensorShares.ForEach(lengths, sums.Length,
            (i, start, count, worker) => sums[worker] += VectorSums.SquaredNorm((T*)addresses[i] + start, count));
        GC.KeepAlive(tensors);
        return sums.Sum();
    }
}
