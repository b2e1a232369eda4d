using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class SnnkSamples
{
    private static readonly ModelSample Snnk = new("snnk",
        new SnnkConfig
        {
            InFeatures = 5,
            HiddenFeatures = [4, 3],
            OutFeatures = 2,
            Features = [6, 7],
            Kind = SnnkKind.Sine,
            Options = new SnnkOptions { Orthogonal = true, Norm = 1, M = 0.1 },
        }, [4, 5]);
}
