namespace TorchZoo.Numerics;

/// <summary>An iteration (conjugate gradients, Newton, …) ended before it reached its tolerance.</summary>
public sealed class NotConvergedException : ArithmeticException
{
    /// <summary>Says what did not converge and how far it came.</summary>
    /// <param name="message">What was solved, and what to try.</param>
    /// <param name="iterations">Iterations done.</param>
    /// <param name="residual">The worst relative residual at that point.</param>
    public NotConvergedException(string message, int iterations, double residual) : base(message)
    {
        Iterations = iterations;
        Residual = residual;
    }

    /// <summary>Iterations done.</summary>
    public int Iterations { get; }

    /// <summary>The worst relative residual over the batch when the iteration ended.</summary>
    public double Residual { get; }
}
