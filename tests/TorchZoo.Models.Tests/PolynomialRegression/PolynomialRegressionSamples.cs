using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class PolynomialRegressionSamples
{
    private static readonly ModelSample PolynomialRegression = new("polynomial-regression",
        new PolynomialRegressionConfig { InFeatures = 5, OutFeatures = 2, Degree = 3, InteractionDegree = 2, Components = 3, Clamp = 4 },
            [4, 5]);
}
