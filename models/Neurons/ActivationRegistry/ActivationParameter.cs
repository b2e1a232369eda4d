namespace TorchZoo.Models.Neurons;

/// <summary>A parameter of an activation.</summary>
/// <param name="Name">Its name in the formula, and in state dicts.</param>
/// <param name="Default">Its value at the start.</param>
/// <param name="Role">Where its value comes from.</param>
/// <param name="IsOurs">Whether the default is ours because the survey gives none.</param>
public sealed record ActivationParameter(string Name, double Default, ActivationParameterRole Role, bool IsOurs)
{
    /// <summary>Its name in state dicts; that of the formula but for PReLU's, which is PyTorch's <c>weight</c>.</summary>
    public string StateName { get; internal init; } = Name;

    /// <summary>The least value that <see cref="Activation.ClampParameters"/> leaves it.</summary>
    public double Minimum { get; internal init; } = double.NegativeInfinity;

    /// <summary>The greatest value that <see cref="Activation.ClampParameters"/> leaves it.</summary>
    public double Maximum { get; internal init; } = double.PositiveInfinity;

    /// <summary>Whether it counts something, so that it can't be trained.</summary>
    public bool IsCount { get; internal init; }

    internal bool IsBounded => double.IsFinite(Minimum) || double.IsFinite(Maximum);
}
