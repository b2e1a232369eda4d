using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// The one training loop: epochs, batches, devices, evaluation, checkpoints, early stopping. What is done with a batch is the
/// <see cref="TrainingStep"/>'s business.
/// </summary>
/// <example><code>
/// var trainer = new Trainer(model, new TrainerOptions { Epochs = 20, Directory = "runs/fno" })
/// {     Optimizer = p => new FusedAdam(p, lr: 3e-3),
///     Schedule = Schedules.OneCycle(warmUp: 0.1),
///     Step = Steps.Supervised(RelativeL2.Loss),
/// };
/// var result = trainer.Fit(train, validation);
/// </code></example>
public sealed class Trainer
{
    /// <summary>Makes a trainer; the model moves to the device of the options.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public Trainer(nn.Module model, TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (Model, Options) = (model.to(options.Device), options);
    }

    /// <summary>What is trained.</summary>
    public nn.Module Model { get; }

    /// <summary>How.</summary>
    public TrainerOptions Options { get; }

    /// <summary>Makes an optimizer of parameters. Default: <see cref="FusedAdam"/> with its defaults.</summary>
    public Func<IEnumerable<Parameter>, optim.Optimizer> Optimizer { get; init; } = p => new FusedAdam(p);

    /// <summary>Learning rates over time. Default: constant.</summary>
    public Schedule Schedule { get; init; } = Schedules.Constant();

    /// <summary>What is done with a batch.</summary>
    public required TrainingStep Step { get; init; }

    /// <summary>Modules that are not trained but belong to the model, such as normalisers: saved in its checkpoints and loaded on resuming.</summary>
    public IReadOnlyDictionary<string, nn.Module> Companions { get; init; } = new Dictionary<string, nn.Module>();

    /// <summary>Text that checkpoints carry along, e.g. which data the model was trained on.</summary>
    public IReadOnlyDictionary<string, string> Notes { get; init; } = new Dictionary<string, string>();

    /// <summary>Who looks on, beside the <see cref="Reports.RunLog"/> of a run with a folder.</summary>
    public IReadOnlyList<TrainerCallback> Callbacks { get; init; } = [];

    /// <summary>What progress is called, e.g. "Training the baseline".</summary>
    public string Name { get; init; } = "Training";

    /// <summary>Where progress is shown.</summary>
    public IProgressDisplay Progress { get; init; } = IProgressDisplay.None;

    /// <summary>File of the best epoch's checkpoint; null without a folder.</summary>
    public string? BestPath => Options.Directory is null ? null : Path.Combine(Options.Directory, "best.pt");

    /// <summary>File of the newest checkpoint; null without a folder.</summary>
    public string? LastPath => Options.Directory is null ? null : Path.Combine(Options.Directory, "last.pt");

    /// <summary>Trains.</summary>
    /// <param name="train">What to train on.</param>
    /// <param name="validation">What to evaluate on after epochs; it also decides which epoch is best.</param>
    /// <param name="cancellation">Stops after the current step, when a checkpoint has been written.</param>
    /// <exception cref="ArgumentException">The training set has no batch, or the checkpoint to resume from belongs to another run.</exception>
    /// <exception cref="TrainingException">A step failed.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TrainingResult Fit(IDataset train, IDataset? validation = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        var group = Options.Ranks;
        var order = new BatchOrder(train.Count, Options.BatchSize, Options.Shuffle, Options.DropLast, Options.Seed)
        {
            Rank = group.Rank,
            Ranks = group.Size
        };
        if (order.Batches == 0)
            throw new ArgumentException($"{train.Count} examples make no batch of {Options.BatchSize}", nameof(train));
        return Fit(BatchSource.Of(train, order), validation, cancellation);
    }

    /// <summary>Trains on a stream.</summary>
    /// <param name="train">What to train on.</param>
    /// <param name="batchesPerEpoch">Batches in an epoch.</param>
    /// <param name="validation">What to evaluate on after epochs.</param>
    /// <param name="cancellation">Stops after the current step, when a checkpoint has been written.</param>
    /// <exception cref="TrainingException">A step failed, or the stream ended within an epoch.</exception>
    /// <inheritdoc cref="Fit(IDataset, IDataset?, CancellationToken)"/>
    public TrainingResult Fit(IStreamingDataset train, long batchesPerEpoch, IDataset? validation = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchesPerEpoch);
        if (Options.BatchSize < Options.Ranks.Size)
            throw new ArgumentException($"a batch of {Options.BatchSize} can't be shared by {Options.Ranks.Size} ranks",
                nameof(batchesPerEpoch));
        return Fit(BatchSource.Of(train, batchesPerEpoch, Options.BatchSize, Options.Seed, Options.Ranks), validation, cancellation);
    }

    private TrainingResult Fit(BatchSource train, IDataset? validation, CancellationToken cancellation)
    {
        using var run = new TrainingRun(this, train, validation, cancellation);
        return run.Fit();
    }

    /// <summary>Measures on a dataset, without training: the means over its examples of what <see cref="TrainingStep.Evaluate"/> logs.
    /// Ranks share the work, so all must call it.</summary>
    public IReadOnlyDictionary<string, double> Evaluate(IDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        using var meters = new Meters(MetersFlush, Options.Ranks);
        Evaluate(data, new StepContext(Model, [], Schedule, Options, meters), CancellationToken.None);
        return meters.Means();
    }

    /// <summary>Trains for some steps with a learning rate that rises exponentially, to see which is good; model, step and random numbers are
    /// then as they were.</summary>
    /// <param name="data">What to train on.</param>
    /// <param name="from">The first learning rate, &gt; 0.</param>
    /// <param name="to">The last, greater.</param>
    /// <param name="steps">Updates, at least 3; fewer are made if training diverges.</param>
    /// <exception cref="ArgumentException">A number is out of its range, the data make no batch, or the step logs no <c>loss</c>.</exception>
    public LearningRateSearch FindLearningRate(IDataset data, double from = 1e-6, double to = 1, int steps = 100) =>
        LearningRateSearch.Run(this, data, from, to, steps);

    /// <summary>How many values meters gather before they are read: reading one stops a GPU.</summary>
    internal int MetersFlush => Options.Device.type == DeviceType.CPU ? 1 : 64;

    /// <summary>Autocasting as the options say; null: none.</summary>
    private IDisposable? Casting() => Precisions.TypeOf(Options.Precision) is { } type ? Autocast.Enable(Options.Device, type) : null;

    /// <summary>One training step on a batch that is on the device.</summary>
    internal void RunStep(Batch batch, (long Own, long All) shares, StepContext context, long groupSize, bool updateDue)
    {
        context.Begin(shares.Own, shares.All, groupSize, updateDue);
        using (Casting()) Step.Run(batch, context);
        context.End();
    }

    internal void Evaluate(IDataset data, StepContext context, CancellationToken cancellation)
    {
        nn.Module[] modules = [Model, .. Step.Modules.Values];
        var training = modules.Select(m => m.training).ToArray();
        foreach (var module in modules) module.eval();
        try
        {
            using var off = Step.EvaluationDifferentiates ? no_grad() : inference_mode();
            using var cast = Casting();
            var size = Options.EvaluationBatchSize > 0 ? Options.EvaluationBatchSize : Options.BatchSize;
            var order = new BatchOrder(data.Count, size, Shuffle: false, DropLast: false, Seed: 0)
            {
                Rank = Options.Ranks.Rank,
                Ranks = Options.Ranks.Size
            };
            var number = 0L;
            foreach (var indices in order.Epoch(0))
            {
                cancellation.ThrowIfCancellationRequested();
                var (own, all) = order.SharesOf(number++);
                if (own == 0) continue;
                using var scope = NewDisposeScope();
                var batch = data.Take(indices).To(Options.Device);
                context.Begin(own, all, groupSize: 1, updateDue: false);
                Step.Evaluate(batch, context);
            }
        }
        finally
        {
            for (var i = 0; i < modules.Length; i++) modules[i].train(training[i]);
        }
    }
}
