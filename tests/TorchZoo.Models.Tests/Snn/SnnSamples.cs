using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class SnnSamples
{
    private static readonly ModelSample Snn = new("selu",
        new SnnConfig { InFeatures = 5, HiddenFeatures = 12, Depth = 3, OutFeatures = 2, AlphaDropout = 0.1, Shape = SnnShape.Conic },
            [4, 5]);
}
