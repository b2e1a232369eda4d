using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class SymmetricConvNetSamples
{
    private static readonly ModelSample Network = new("continuous-symmetry-convnet", new SymmetricConvNetConfig
    {
        InChannels = 1,
        StemChannels = 4,
        BlocksPerStage = [1, 2],
        Classes = 3,
        Layout = SymmetricLayout.Small,
        Expansion = 1,
        VariableCoefficients = true,
        LinearSkips = [2],
    }, [4, 1, 6, 6]);
}
