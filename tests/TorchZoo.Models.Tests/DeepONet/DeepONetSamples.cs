using TorchZoo.Models.Operators;

namespace TorchZoo.Models.Tests;

internal static class DeepONetSamples
{
    private static readonly DeepONetConfig Config = new()
    {
        LayerSizesBranch = [5, 8, 6],
        LayerSizesTrunk = [4, 8, 6],
        NumOutputs = 2,
        MultiOutputStrategy = MultiOutputStrategy.SplitBoth,
        TrunkFeatures = FourierFeatures.Periodic(dimension: 1, harmonics: 2),
    };

    private static readonly ModelSample Aligned = new("deeponet", Config, [7, 5], [7, 1]);

    private static readonly ModelSample Cartesian = new("deeponet-cartesian", Config with { Stacked = true }, [3, 5], [7, 1]);

    // Zeros for a basis: its weights get no gradient, its basis and its trunk's weights come back all the same.
    private static readonly ModelSample Pod = new(
        "deeponet-pod", new PodDeepONetConfig { LayerSizesBranch = [5, 8, 6], LayerSizesTrunk = [2, 8, 4], BasisShape = [7, 2] }, [3, 5], [7, 2]);

    private static readonly ModelSample Net = new("deeponet-fnn", new FullyConnectedNetConfig { LayerSizes = [5, 8, 2] }, [3, 5]);

    private static readonly ModelSample Stacked = new("deeponet-stacked-branch", new FullyConnectedNetConfig { LayerSizes = [5, 8, 6] }, [3, 5]);

    private static readonly ModelSample Baseline =
        new("deeponet-concatenation-baseline", new FullyConnectedNetConfig { LayerSizes = [6, 8, 1] }, [3, 5], [3, 1]);

    private static readonly ModelSample Convolutional = new("deeponet-convolutional-branch",
        new ConvolutionalBranchConfig { InputShape = [1, 9, 8], Channels = [3, 4], KernelSize = 3, LayerSizes = [8, 6] }, [3, 1, 9, 8]);
}
