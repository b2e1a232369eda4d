using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class QuadraticMlpSamples
{
    private static readonly ModelSample QuadraticMlp = new("quadratic-networks",
        new QuadraticMlpConfig { InFeatures = 5, HiddenFeatures = 6, Depth = 2, OutFeatures = 2 }, [4, 5]);

    private static readonly ModelSample QuadraticResNet = new("quadratic-networks-resnet",
        new QuadraticResNetConfig { Depth = 8, NumClasses = 3, Kind = QuadraticNeuronKind.Compact, ReZero = true }, [2, 3, 8, 8]);
}
