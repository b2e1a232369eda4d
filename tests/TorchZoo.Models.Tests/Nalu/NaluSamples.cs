using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class NaluSamples
{
    private static readonly ModelSample Nalu = new("nalu", new NaluConfig
    {
        InFeatures = 5,
        HiddenFeatures = 3,
        OutFeatures = 2,
        Units = [NaluUnit.Nac, NaluUnit.NacMul, NaluUnit.Nalu],
        TwoNac = true,
        GateBias = true,
        Init = NacInit.Stable,
    }, [4, 5]);
}
