using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class PiNetSamples
{
    private static readonly ModelSample PiNet = new("polynomial-networks",
        new PiNetConfig { InFeatures = 3, HiddenFeatures = 6, Degree = 2, OutFeatures = 2, Form = PolynomialForm.NcpSkip, Polynomials = 2 },
            [4, 3]);

    private static readonly ModelSample MultiplicativeMlp = new("polynomial-networks-multiplicative-mlp",
        new MultiplicativeMlpConfig { InFeatures = 3, HiddenFeatures = 6, Depth = 2, OutFeatures = 2, Skip = MultiplicativeSkip.Residual },
            [4, 3]);
}
