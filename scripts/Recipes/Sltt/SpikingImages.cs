using TorchZoo.Data.Images;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Images for spiking networks, and the network for their size.</summary>
internal static class SpikingImages
{
    public const string FashionMnist = "fashion-mnist", SmallDigits = "digits";

    public static string[] Names { get; } = [FashionMnist, SmallDigits];

    /// <summary>The images of a name, standardised.</summary>
    public static LabelledImages Load(RecipeContext context, string dataset)
    {
        // The digits' mean and deviation: of the training part.
        var digits = new ImageOptions { Train = context.Pick(128L, 1400L, 1400L), Mean = 0.3053, Std = 0.3760 };
        return dataset == SmallDigits ? Digits.Load(digits) : RecipeImages.FashionMnistOrDigits(context, new ImageOptions
        {
            Train = context.Pick(128L, 10_000L, 60_000L),
            Test = context.Pick(64L, 2_000L, 10_000L),
            Mean = Data.Images.FashionMnist.Mean,
            Std = Data.Images.FashionMnist.Std,
        }, digits);
    }

    /// <summary>The network for images of a size.</summary>
    public static Models.Spiking.SpikingCnnConfig Network(LabelledImages data, int timeSteps, double tau)
    {
        var size = data.Train.Inputs.shape[2..];
        var isSmall = size.Min() < 16;
        return new()
        {
            InSize = size,
            Channels = isSmall ? [16, 32] : [16, 32, 32],
            Pool = isSmall ? [2, 2] : [2, 2, 3],
            NumClasses = data.ClassNames.Count,
            TimeSteps = timeSteps,
            Neuron = new() { Tau = tau },
        };
    }
}
