using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

internal static class MultipletNetworkSamples
{
    private static readonly ModelSample Network = new("multiplet-networks", new MultipletNetworkConfig
    {
        InFeatures = 3,
        Layers = [new(2, [1, -3]), new(2, [2], [0.5])],
        Readout = MultipletReadout.LogLinear,
        OutFeatures = 2,
    }, [5, 3])
    {
        Random = shape => rand(shape) + 0.1,
    };
}
