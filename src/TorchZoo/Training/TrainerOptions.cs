using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>How a <see cref="Trainer"/> runs.</summary>
public sealed record TrainerOptions
{
    /// <summary>Passes over the training set.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Examples in a batch, of all ranks together: the number of ranks changes how fast a run is, not what comes out.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Examples in a batch of evaluation; 0: as many as in training.</summary>
    public int EvaluationBatchSize { get; init; }

    /// <summary>Where to train.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>What forward passes compute in; weights and the optimizer's state stay in float32.</summary>
    public Precision Precision { get; init; }

    /// <summary>Folder for checkpoints and metrics; null: nothing is written.</summary>
    public string? Directory { get; init; }

    /// <summary>Seed of the order of batches and of libtorch's global generator (dropout). Weights are made before the trainer: seed them
    /// yourself, with <see cref="TorchZoo.Seed.Set"/>, whose seed is this option's default.</summary>
    public ulong Seed { get; init; } = TorchZoo.Seed.Current;

    /// <summary>Whether each epoch takes the examples in an order of its own.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Leaves out a last batch that is not full.</summary>
    public bool DropLast { get; init; }

    /// <summary>Largest norm of the gradients of an optimizer; null: not clipped.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Logs the norm of the gradients of each update (<c>gradient_norm</c>); with <see cref="ClipNorm"/> it is logged anyhow.</summary>
    public bool LogGradientNorm { get; init; }

    /// <summary>Averages the weights over the updates with this decay, e.g. 0.999 (<see cref="Optimizers.ExponentialMovingAverage"/>): the
    /// averages are what is evaluated, what checkpoints hold as the model's weights, and what the model has after training. Null: no
    /// averages.</summary>
    public double? AverageDecay { get; init; }

    /// <summary>Batches that are made ahead, on a thread of their own; 0: none; null: two for a GPU, else none. Datasets that draw from
    /// libtorch's global generator are repeatable only without.</summary>
    public int? Prefetch { get; init; }

    /// <summary>Batches whose gradients are averaged before an update.</summary>
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>The metric that says which epoch is best: of the validation set if there is one, else of training.</summary>
    public string Monitor { get; init; } = "loss";

    /// <summary>Whether more of <see cref="Monitor"/> is better.</summary>
    public bool MonitorMaximum { get; init; }

    /// <summary>Stops after so many epochs without a better one; null: never.</summary>
    public int? Patience { get; init; }

    /// <summary>By how much an epoch must be better to count as better.</summary>
    public double MinimumImprovement { get; init; }

    /// <summary>Steps between checkpoints within an epoch; 0: only at the end of epochs.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>Epochs between checkpoints at the end of epochs; where epochs are short, a file for each costs more than the epoch. The
    /// last epoch always has one.</summary>
    public int CheckpointEveryEpochs { get; init; } = 1;

    /// <summary>
    /// How many of the latest checkpoints stay, as <c>step-N.pt</c> beside <c>last.pt</c> (N: steps done); 0: none but <c>last.pt</c> and
    /// <c>best.pt</c>.
    /// </summary>
    public int KeepLast { get; init; }

    /// <summary>Epochs between evaluations; the last epoch is always evaluated.</summary>
    public int EvaluateEvery { get; init; } = 1;

    /// <summary>Goes on from <c>last.pt</c> in <see cref="Directory"/> if it is there.</summary>
    public bool Resume { get; init; }

    /// <summary>The processes that share the work; null: all that were launched together (<see cref="ProcessGroup.World"/>).</summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>Shares out the optimizers' states over the ranks (ZeRO's first stage): each keeps a part, which saves memory and costs
    /// messages. Only <see cref="Optimizers.FusedOptimizer"/>s can. Checkpoints are the same as without.</summary>
    public bool ShardOptimizer { get; init; }

    /// <summary>Sends gradients between ranks as bfloat16, half of the bytes, and adds them up in float32.</summary>
    public bool CompressGradients { get; init; }

    /// <summary>The ranks.</summary>
    internal ProcessGroup Ranks => Group ?? ProcessGroup.World;

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Validate()
    {
        Positive(Epochs, nameof(Epochs));
        Positive(BatchSize, nameof(BatchSize));
        Positive(AccumulationSteps, nameof(AccumulationSteps));
        Positive(EvaluateEvery, nameof(EvaluateEvery));
        Positive(CheckpointEveryEpochs, nameof(CheckpointEveryEpochs));
        ArgumentOutOfRangeException.ThrowIfNegative(EvaluationBatchSize, nameof(EvaluationBatchSize));
        ArgumentOutOfRangeException.ThrowIfNegative(CheckpointEvery, nameof(CheckpointEvery));
        ArgumentOutOfRangeException.ThrowIfNegative(KeepLast, nameof(KeepLast));
        ArgumentOutOfRangeException.ThrowIfNegative(MinimumImprovement, nameof(MinimumImprovement));
        if (ClipNorm is { } norm && !(norm > 0)) throw new ArgumentOutOfRangeException(nameof(ClipNorm), norm, "must be positive");
        if (AverageDecay is { } decay && !(decay is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(AverageDecay), decay, "must be in [0, 1)");
        if (Prefetch is { } ahead) ArgumentOutOfRangeException.ThrowIfNegative(ahead, nameof(Prefetch));
        if (!Enum.IsDefined(Precision)) throw new ArgumentOutOfRangeException(nameof(Precision), Precision, "is no precision");
        if (Precision != Precision.Float32 && !Autocast.IsAvailable)
            throw new ArgumentException("this build of libtorch exports no automatic casting: use float32", nameof(Precision));
        if (Patience is { } patience) Positive(patience, nameof(Patience));
        if (Resume && Directory is null) throw new ArgumentException("to resume, the trainer needs the folder of the run", nameof(Directory));

        static void Positive(int value, string name) => ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
    }
}
