using TorchZoo.Models.Sequences;

namespace TorchZoo.Models.Tests;

internal static class ParaRnnSamples
{
    private static readonly ModelSample Stack =
        new("pararnn", new ParaRnnConfig { InputDim = 4, StateDim = 6, NumLayers = 2, Bidirectional = true, Cell = CellKind.Lstm,
        MaxRecurrentNorm = 0.5 }, [2, 5, 4]);
}
