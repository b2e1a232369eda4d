using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Networks that learn the same examples in the same way, each from several seeds: what recipes that compare small networks have in
/// common. A network that is to learn in another way takes part <c>with</c> what differs.</summary>
internal sealed record Contest
{
    public const string Accuracy = "accuracy";

    /// <summary>Cross-entropy of class numbers, and the share of right ones.</summary>
    public static TrainingStep Classification { get; } = Steps.Supervised((p, t) => nn.functional.cross_entropy(p, t),
        (Accuracy, (p, t) => p.argmax(1).eq(t).to(ScalarType.Float32).mean()));

    /// <summary>The run.</summary>
    public required RecipeContext Context { get; init; }

    /// <summary>What is learned.</summary>
    public required IDataset Train { get; init; }

    /// <summary>What the networks are compared on.</summary>
    public required IDataset Test { get; init; }

    public required int Epochs { get; init; }

    public required int BatchSize { get; init; }

    public int EvaluationBatchSize { get; init; } = 1000;

    /// <summary>Epochs between evaluations; the last one is always evaluated.</summary>
    public int EvaluateEvery { get; init; } = 1;

    /// <summary>Whether each epoch takes the examples in an order of its own.</summary>
    public bool Shuffle { get; init; } = true;

    public double? ClipNorm { get; init; }

    /// <summary>How many seeds, one after the other from the run's own.</summary>
    public required int Seeds { get; init; }

    /// <summary>The measure of <see cref="Test"/> that counts.</summary>
    public string Metric { get; init; } = Accuracy;

    /// <summary>Whether more of it is better.</summary>
    public bool MoreIsBetter { get; init; } = true;

    /// <summary>What counts for a network that diverged, e.g. the accuracy of guessing.</summary>
    public double Diverged { get; init; } = double.NaN;

    public TrainingStep Step { get; init; } = Classification;

    public Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer> Optimizer { get; init; } = p => new FusedAdam(p);

    public Schedule Schedule { get; init; } = Schedules.Constant();

    /// <summary>Trains a network from each seed.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="network">Makes it; weights come from torch's generator, which is seeded before.</param>
    /// <param name="step">What a step of it does; null: <see cref="Step"/>.</param>
    /// <param name="callbacks">Who looks on at its training with a seed, counted from 0.</param>
    /// <param name="after">Is given the trained network, which is disposed of afterwards, and its seed, counted from 0.</param>
    /// <param name="isRunsOwn">Whether the network of the first seed is the one whose checkpoint the run's folder holds.</param>
    public Contender Run<TNetwork>(string name, Func<TNetwork> network, Func<TNetwork, TrainingStep>? step = null,
        Func<TNetwork, int, IReadOnlyList<TrainerCallback>>? callbacks = null, Action<TNetwork, int>? after = null, bool isRunsOwn = false)
        where TNetwork : nn.Module
    {
        var results = new List<TrainingResult?>();
        var parameters = 0L;
        for (var i = 0; i < Seeds; i++)
        {
            using var scope = NewDisposeScope();
            var seed = Context.Seed + (ulong)i;
            Seed.Set(seed);
            using var member = network();
            member.to(Context.Device);
            parameters = member.parameters().Where(p => p.requires_grad).Sum(p => p.numel());
            var title = Seeds == 1 ? name : $"{name}, seed {i}";
            results.Add(Fit(title, member, step?.Invoke(member) ?? Step, seed, isRunsOwn && i == 0 ? Context.Directory : null,
                callbacks?.Invoke(member, i) ?? []));
            if (results[^1] is null) continue;
            member.eval();
            after?.Invoke(member, i);
        }
        return new Contender(name, parameters, results, [.. results.Select(r => r?.History[^1].Validation[Metric] ?? Diverged)]);
    }

    /// <summary>Shows what each network reached with each seed.</summary>
    public void Show(string title, IEnumerable<Contender> contenders) => Context.Output.Table(title,
        ["network", "parameters", .. Enumerable.Range(0, Seeds).Select(s => $"seed {s}"), "mean"],
        contenders.Select(c => (object[])[c.Name, c.Parameters, .. c.Values.Cast<object>(), c.Mean]));

    private TrainingResult? Fit(string title, nn.Module network, TrainingStep step, ulong seed, string? directory,
        IReadOnlyList<TrainerCallback> callbacks)
    {
        var trainer = new Trainer(network, Context.TrainerOptions(directory) with
        {
            Epochs = Epochs,
            BatchSize = BatchSize,
            EvaluationBatchSize = EvaluationBatchSize,
            EvaluateEvery = EvaluateEvery,
            CheckpointEveryEpochs = Epochs,
            Shuffle = Shuffle,
            ClipNorm = ClipNorm,
            Monitor = Metric,
            MonitorMaximum = MoreIsBetter,
            Seed = seed,
        })
        {
            Name = $"Training {title}",
            Callbacks = [.. Context.Callbacks(title), .. callbacks],
            Optimizer = Optimizer,
            Schedule = Schedule,
            Step = step,
            Notes = Context.SizeAndSeed,
            Progress = Context.Progress,
        };
        try
        {
            return trainer.Fit(Train, Test, Context.Cancellation);
        }
        catch (TrainingException)
        {
            Context.Output.Warn($"{title}: it diverged.");
            return null;
        }
    }
}
