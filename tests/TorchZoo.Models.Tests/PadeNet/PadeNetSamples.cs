using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class PadeNetSamples
{
    private static readonly ModelSample PadeNet = new("paon",
        new PadeNetConfig
        {
            Channels = 3,
            Blocks = 1,
            InChannels = 2,
            NumeratorOrder = 2,
            Variant = PadeVariant.Absolute,
            LearnShift = true,
        }, [2, 2, 5, 6]);
}
