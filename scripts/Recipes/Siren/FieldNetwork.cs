using TorchZoo.Models.Fields;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A kind of network from coordinates to a value, to be trained.</summary>
/// <param name="Name">What it is, for tables, legends and folders.</param>
/// <param name="Make">Makes one with fresh weights.</param>
/// <param name="LearningRates">Those to try; the best counts.</param>
internal sealed record FieldNetwork(string Name, Func<nn.Module<Tensor, Tensor>> Make, params double[] LearningRates)
{
    /// <summary>The sine network.</summary>
    public static FieldNetwork Sine(int coordinates, long width, double rate, double firstOmega0 = 30, long channels = 1) => new("Siren",
        () => new Siren(new SirenConfig
        { InFeatures = coordinates, OutFeatures = channels, HiddenFeatures = width, FirstOmega0 = firstOmega0 }), rate);

    /// <summary>The same network with another activation.</summary>
    public static FieldNetwork Other(string activation, int coordinates, long width, params double[] rates) =>
        Other(activation, coordinates, 1, width, rates);

    /// <summary>The same network with another activation, for several channels.</summary>
    public static FieldNetwork Other(string activation, int coordinates, long channels, long width, double[] rates) => new(
        activation is "relu" ? "ReLU" : activation,
        () => new CoordinateMlp(new CoordinateMlpConfig
        { Type = activation, InFeatures = coordinates, OutFeatures = channels, HiddenFeatures = width }), rates);

    /// <summary>A ReLU network behind a positional encoding, for images.</summary>
    public static FieldNetwork Encoded(long side, long channels, long width, params double[] rates) => new("ReLU+PE",
        () => new CoordinateMlp(new CoordinateMlpConfig
        { Type = "relu", Mode = "nerf", Sidelength = [side], OutFeatures = channels, HiddenFeatures = width }), rates);

    /// <summary>A ReLU network behind a positional encoding, for signals in time.</summary>
    public static FieldNetwork EncodedSignal(long samples, long width, params double[] rates) => new("ReLU+PE",
        () => new CoordinateMlp(new CoordinateMlpConfig
        { Type = "relu", Mode = "nerf", InFeatures = 1, FnSamples = samples, HiddenFeatures = width }), rates);
}

/// <summary>A network that was trained, as its last checkpoint has it.</summary>
internal sealed record TrainedField(string Name, double LearningRate, nn.Module<Tensor, Tensor> Network, TrainingResult Result)
{
    /// <summary>The last evaluation's value of a metric.</summary>
    public double Last(string metric) => Result.History.Last(h => h.Validation.Count > 0).Validation[metric];
}
