using TorchZoo.Data;
using TorchZoo.Data.Events;
using TorchZoo.Data.Sources;
using TorchZoo.Models.Spiking;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Frames of events for spiking networks, and the networks for them.</summary>
internal static class SpikingEvents
{
    public const string Name = "events";

    /// <summary>The title of the shapes that are learned in no time.</summary>
    public const string Easy = "bright shapes";

    // Parts of the data have seeds of their own.
    private const long TestPart = 1 << 20;

    /// <summary>Shapes that move; the class is where to.</summary>
    public static LabelledEvents Shapes(RecipeContext context, ShapeContrast contrast)
    {
        var shapes = context.Size == RunSize.Full ? new MovingShapes { Contrast = contrast, Size = 32, Frames = 16, Directions = 8 }
            : new MovingShapes { Contrast = contrast };
        var title = contrast == ShapeContrast.Bright ? Easy : "bright and dark shapes";
        return new LabelledEvents(title, shapes.ClassNames, Part(context.Pick(96, 1216, 20_000), 0),
            Part(context.Pick(32, 400, 4_000), TestPart));

        PairDataset Part(long count, long part)
        {
            var data = shapes.Generate(count, unchecked((long)context.Seed + part), context.Progress, context.Cancellation);
            return new PairDataset(data["frames"], data["labels"]);
        }
    }

    /// <summary>The recordings in the folder given with <c>--data</c>. Runs other than full ones take some of them, at a lower
    /// resolution.</summary>
    public static LabelledEvents Recordings(RecipeContext context)
    {
        var isGesture = DvsGesture.IsIn(context.Data!);
        var framing = new EventFraming
        {
            Frames = context.Pick(4, 10, isGesture ? 20 : 10),
            Size = context.Pick<long?>(24, 32, isGesture ? null : 48),
        };
        return EventDatasets.Load(new DatasetSearch { Folder = context.Data }, framing, context.Pick<int?>(32, 600, null),
            context.Pick<int?>(16, 200, null), context.Progress, context.Cancellation);
    }

    /// <summary>The network for a data set: the paper's for recordings in full runs.</summary>
    public static SpikingNetwork Network(RecipeContext context, LabelledEvents data, double tau)
    {
        var (steps, size) = ((int)data.Train.Inputs.shape[1], data.Train.Inputs.shape[3..]);
        var neuron = new NeuronConfig { Tau = tau };
        return context.Data is not null && context.Size == RunSize.Full
            ? new SpikingVgg(new SpikingVggConfig
            {
                NumClasses = data.ClassNames.Count,
                TimeSteps = steps,
                Dropout = DvsGesture.IsIn(context.Data) ? 0.4 : 0.3,
                Neuron = neuron,
            })
            : new SpikingCnn(new SpikingCnnConfig
            {
                InChannels = 2,
                InSize = size,
                Channels = [16, 32, 32],
                Pool = [2, 2, 2],
                NumClasses = data.ClassNames.Count,
                TimeSteps = steps,
                Neuron = neuron,
            });
    }
}
