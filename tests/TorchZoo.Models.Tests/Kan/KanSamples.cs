using TorchZoo.Models.Neurons;

namespace TorchZoo.Models.Tests;

internal static class KanSamples
{
    private static readonly ModelSample Kan = new("kan", new KanConfig
    {
        Width = [2, 2, 1],
        MultWidth = [0, 1, 0],
        Symbols = [new KanSymbol(0, 1, 0, "sin")],
    }, [8, 2]);

    private static readonly ModelSample Efficient = new("kan-efficient", new EfficientKanConfig { LayersHidden = [2, 3, 1] }, [2, 4, 2]);
}
