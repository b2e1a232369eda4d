using TorchZoo.Models.Spiking;

namespace TorchZoo.Models.Tests;

internal static class SlttSamples
{
    private static readonly ModelSample Cnn = new("sltt-cnn",
        new SpikingCnnConfig { InSize = [8, 8], Channels = [4, 4], Pool = [2, 2], NumClasses = 3, TimeSteps = 2 }, [2, 1, 8, 8]);

    private static readonly ModelSample Vgg = new("sltt-vgg", new SpikingVggConfig { NumClasses = 3, TimeSteps = 1, Dropout = 0.1 }, [2, 2, 32, 32]);

    private static readonly ModelSample ResNet = new("sltt-resnet", new SpikingResNetConfig { NumClasses = 3, TimeSteps = 1 }, [2, 3, 32, 32]);

    private static readonly ModelSample NfResNet = new("sltt-nf-resnet", new SpikingNfResNetConfig { NumClasses = 3, TimeSteps = 1 }, [1, 3, 32, 32]);
}
