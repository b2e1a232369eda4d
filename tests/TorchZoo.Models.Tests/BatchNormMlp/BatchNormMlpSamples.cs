using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class BatchNormMlpSamples
{
    private static readonly ModelSample BatchNormMlp = new("bounded-gradient-batchnorm",
        new BatchNormMlpConfig
        {
            InFeatures = 5,
            HiddenFeatures = 8,
            Depth = 3,
            OutFeatures = 2,
            Activation = "sin",
            Order = BatchNormMlpOrder.ActNorm,
            MeanReduction = true,
        }, [4, 5]);
}
