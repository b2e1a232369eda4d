using TorchZoo.Models.Fields;

namespace TorchZoo.Models.Tests;

internal static class SirenSamples
{
    private static readonly ModelSample Siren =
        new("siren", new SirenConfig { InFeatures = 3, OutFeatures = 3, HiddenFeatures = 8, NumHiddenLayers = 1 }, [4, 3]);

    private static readonly ModelSample Mlp =
        new("siren-mlp", new CoordinateMlpConfig
        {
            Type = "relu",
            Mode = "nerf",
            Sidelength = [16, 12],
            OutFeatures = 2,
            HiddenFeatures = 8
        }, [4, 2]);

    private static readonly ModelSample Prior = new("siren-hyper", new SirenPriorConfig
    {
        SetEncoder = new() { InFeatures = 4, OutFeatures = 5, NumHiddenLayers = 1, HiddenFeatures = 6 },
        HyperNet = new() { HyperInFeatures = 5, HyperHiddenFeatures = 6 },
        HypoNet = new() { OutFeatures = 2, HiddenFeatures = 7, NumHiddenLayers = 1 },
    }, [3, 2, 5, 4]);
}
