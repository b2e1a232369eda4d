using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>SELU: λx above 0, λα(eˣ − 1) below. With its own constants libtorch's; with others a self-normalising unit of another fixed
/// point (<see cref="SeluParameters.Solve"/>). Of any shape; no parameters.</summary>
/// <remarks>Source: Klambauer et al. 2017, equation 2.</remarks>
/// <param name="alpha">α.</param>
/// <param name="lambda">λ.</param>
public sealed class ScaledExponentialLinearUnit(double alpha = SeluParameters.Alpha, double lambda = SeluParameters.Lambda)
    : Module<Tensor, Tensor>(nameof(ScaledExponentialLinearUnit))
{
    /// <summary>α.</summary>
    public double Alpha { get; } = Finite(alpha, nameof(alpha));

    /// <summary>λ, the slope above 0.</summary>
    public double Lambda { get; } = Finite(lambda, nameof(lambda));

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (Alpha == SeluParameters.Alpha && Lambda == SeluParameters.Lambda) return functional.selu(x);
        using var scope = NewDisposeScope();
        return (Lambda * functional.elu(x, Alpha)).MoveToOuterDisposeScope();
    }

    private static double Finite(double value, string name) =>
        double.IsFinite(value) ? value : throw new ArgumentException($"Expected a finite number, got {value}", name);
}
