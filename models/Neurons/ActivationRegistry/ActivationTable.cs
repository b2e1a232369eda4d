namespace TorchZoo.Models.Neurons;

/// <summary>All rows, by the survey's sections. A row is the survey's formula as text, its parameters, and how it is computed: where the
/// formula would overflow, or a branch that isn't taken would, in another form.</summary>
/// <remarks>Source: Kunc and Kléma 2024.</remarks>
internal static partial class ActivationTable
{
    // Behind a default: the survey gives none.
    private const bool Ours = true;

    public static IReadOnlyList<ActivationSpec> Rows { get; } =
    [
        .. Sigmoids, .. Gates, .. Rectifiers, .. ExponentialUnits, .. FixedShapes, .. AdaptiveRectifiers, .. AdaptiveExponentialUnits,
        .. AdaptiveGates, .. AdaptiveShapes, .. Combinations, .. Smoothed,
    ];

    private static ActivationSpec Fixed(string name, string section, string formula, params ActivationParameter[] parameters) =>
        new(name, ActivationCategory.Fixed, section, formula, parameters);

    private static ActivationSpec Adaptive(string name, string section, string formula, params ActivationParameter[] parameters) =>
        new(name, ActivationCategory.Adaptive, section, formula, parameters);

    private static ActivationParameter Constant(string name, double value, bool ours = false) =>
        new(name, value, ActivationParameterRole.Fixed, ours);

    private static ActivationParameter Count(string name, int value, bool ours = false) =>
        Constant(name, value, ours) with { IsCount = true };

    // min and max: what ClampParameters keeps it within.
    private static ActivationParameter Trainable(string name, double value, bool ours = false, double min = double.NegativeInfinity,
        double max = double.PositiveInfinity, string? state = null) =>
        new(name, value, ActivationParameterRole.Trainable, ours) { Minimum = min, Maximum = max, StateName = state ?? name };

    private static ActivationParameter Statistic(string name, double value) =>
        new(name, value, ActivationParameterRole.Statistic, IsOurs: false);
}
