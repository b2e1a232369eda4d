using TorchZoo.Models.Operators;

namespace TorchZoo.Models.Tests;

internal static class FnoSamples
{
    private static readonly ModelSample Fno =
        new("fno", new FnoConfig { NModes = [4, 4], InChannels = 1, OutChannels = 1, HiddenChannels = 6, NLayers = 2 }, [4, 1, 9, 8]);

    private static readonly ModelSample Classic =
        new("fno-classic", new ClassicFnoConfig { Modes = [3, 3], InChannels = 1, OutChannels = 1, Width = 6 }, [4, 1, 9, 8]);

    private static readonly ModelSample Cnn =
        new("fno-cnn-baseline", new PeriodicCnnConfig { InChannels = 1, OutChannels = 1, HiddenChannels = 6, NLayers = 3 }, [4, 1, 16]);
}
