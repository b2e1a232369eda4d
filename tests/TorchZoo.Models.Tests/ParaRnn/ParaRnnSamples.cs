using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

internal static class ParaRnnSamples
{
    private static readonly ModelSample Stack = new("pararnn", new ParaRnnConfig
    {
        InputDim = 4,
        StateDim = 6,
        NumLayers = 2,
        Bidirectional = true,
        Cell = CellKind.Lstm,
        MaxRecurrentNorm = 0.5,
    }, [2, 5, 4]);

    private static readonly ModelSample LanguageModel = new("pararnn-lm",
        new ParaRnnLanguageModelConfig { Vocabulary = 11, Dim = 8, MlpDim = 12, Cell = CellKind.Lstm, ResidualScale = 0.9 }, [2, 7])
    {
        Random = shape => randint(11, shape, ScalarType.Int64),
    };
}
