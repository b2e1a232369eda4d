using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class NauNmuSamples
{
    private static readonly ModelSample NauNmu =
        new("nau-nmu", new NauNmuConfig { InFeatures = 5, HiddenFeatures = 3, OutFeatures = 2, OutOfBounds = OutOfBounds.Penalty }, [4, 5]);
}
