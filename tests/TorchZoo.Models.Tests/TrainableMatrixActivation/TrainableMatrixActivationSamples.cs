using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class TrainableMatrixActivationSamples
{
    private static readonly ModelSample Mlp = new("trainable-matrix-activation",
        new MatrixActivationMlpConfig { InFeatures = 3, HiddenFeatures = 5, OutFeatures = 2, Breaks = [-0.5, 0, 0.5], Bandwidth = 1 },
            [4, 3]);
}
