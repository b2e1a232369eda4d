using TorchZoo.Models.Fields;

namespace TorchZoo.Models.Tests;

internal static class SirenSamples
{
    private static readonly ModelSample Siren =
        new("siren", new SirenConfig { InFeatures = 3, OutFeatures = 3, HiddenFeatures = 8, NumHiddenLayers = 1, FirstOmega0 = 12 }, [4, 3]);

    private static readonly ModelSample Mlp =
        new("siren-mlp", new CoordinateMlpConfig { Type = "relu", Mode = "nerf", Sidelength = [16, 12], OutFeatures = 2, HiddenFeatures = 8 }, [4, 2]);
}
