using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>What C# code that libtorch calls in a backward pass can't do by itself: throw, and give something away.</summary>
public static class BackwardPass
{
    // An exception can't travel through libtorch: it would end the process.
    private static ExceptionDispatchInfo? failure;

    // Gradients that libtorch has taken over by the time that this thread is here again; until then only we refer to them.
    [ThreadStatic]
    private static IReadOnlyList<Tensor?>? handedOver;

    /// <summary>Throws the first exception of a <see cref="KernelFunction"/> or of <see cref="Training.Checkpointing"/> in a backward pass
    /// since the last call; the gradients that it should have computed are NaN. A <see cref="Training.Trainer"/> calls it after each
    /// backward pass; whoever calls <c>backward()</c> himself may.</summary>
    public static void ThrowIfFailed()
    {
        HandOver([]);
        Interlocked.Exchange(ref failure, null)?.Throw();
    }

    internal static void Fail(Exception exception) =>
        Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);

    /// <summary>Keeps gradients, which belong to no dispose scope, until libtorch has its own references to them.</summary>
    internal static void HandOver(IReadOnlyList<Tensor?> gradients)
    {
        foreach (var gradient in handedOver ?? []) gradient?.Dispose();
        handedOver = gradients;
    }
}
