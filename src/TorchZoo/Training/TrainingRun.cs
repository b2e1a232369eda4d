using System.Diagnostics;
using System.Globalization;
using System.Text;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Distributed;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>The state of one training: where it is, what is best so far, what a checkpoint must hold.</summary>
internal sealed class TrainingRun : IDisposable
{
    private static readonly TimeSpan ShowInterval = TimeSpan.FromMilliseconds(100);

    private readonly Trainer _trainer;
    private readonly TrainerOptions _options;
    private readonly BatchSource _train;
    private readonly IDataset? _validation;
    private readonly CancellationToken _cancellation;
    private readonly ProcessGroup _group;
    private readonly DataParallel? _parallel;
    private readonly IReadOnlyList<optim.Optimizer> _optimizers;
    private readonly Meters _meters;
    private readonly StepContext _context;
    private readonly IReadOnlyList<TrainerCallback> _callbacks;
    private readonly List<EpochReport> _history = [];
    private double _best = double.NaN;
    private int _bestEpoch = -1;
    private readonly ExponentialMovingAverage? _average;
    private readonly int _prefetch;
    private long _batch; // batches of the current epoch that are done
    private long _stepEnd; // timestamps
    private long _shown;
    private double _examplesPerSecond;
    private string? _lastCheckpoint;

    public TrainingRun(Trainer trainer, BatchSource train, IDataset? validation, CancellationToken cancellation)
    {
        (_trainer, _options, _train, _validation, _cancellation) = (trainer, trainer.Options, train, validation, cancellation);
        _prefetch = _options.Prefetch ?? (_options.Device.type == DeviceType.CPU ? 0 : 2);
        _group = _options.Ranks;
        IReadOnlyList<TrainerCallback> callbacks = _options.Directory is { } folder ? [new RunLog(folder), .. trainer.Callbacks]
            : trainer.Callbacks;
        _callbacks = _group.IsFirst ? callbacks : [.. callbacks.Where(c => !c.IsObserver)];
        foreach (var module in trainer.Step.Modules.Values.Concat(trainer.Companions.Values)) module.to(_options.Device);
        _optimizers = trainer.Step.CreateOptimizers(trainer.Model, trainer.Optimizer);
        _meters = new Meters(trainer.MetersFlush, _group);
        if (_group.Size > 1) _parallel = new DataParallel(_group, TrainedModules, trainer.Companions.Values, _optimizers, _options);
        _context = new StepContext(trainer.Model, _optimizers, trainer.Schedule, _options, _meters)
        {
            UpdatesPerEpoch = UpdatesPerEpoch,
            TotalUpdates = UpdatesPerEpoch * _options.Epochs,
            IsTimed = _callbacks.Any(c => c.NeedsDeviceTimes),
            Updating = OnGradients,
            Parallel = _parallel,
        };
        if (_options.AverageDecay is { } decay) _average = new ExponentialMovingAverage(trainer.Model, decay);
    }

    private IEnumerable<nn.Module> TrainedModules => _trainer.Step.Modules.Values.Prepend(_trainer.Model);

    private long UpdatesPerEpoch => (_train.Batches + _options.AccumulationSteps - 1) / _options.AccumulationSteps;

    private long TotalSteps => _train.Batches * _options.Epochs;

    private double LearningRate => _optimizers is [var first, ..] ? first.ParamGroups.First().LearningRate : double.NaN;

    public TrainingResult Fit()
    {
        try
        {
            return Train();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _group.Fail(e);
            throw;
        }
    }

    private TrainingResult Train()
    {
        Randomize(_options.Seed);
        if (_options.Directory is { } folder && _group.IsFirst) AtomicFile.DeleteLeftoversIn(folder);
        _group.Barrier();
        Resume();
        _parallel?.SendWeights();
        _parallel?.ScatterStates();
        foreach (var module in TrainedModules) module.train();
        foreach (var callback in _callbacks) callback.OnStart(_trainer, _context.Step);
        try
        {
            using var line = Progress.Start(_trainer.Name);
            var patience = false;
            _stepEnd = Stopwatch.GetTimestamp();
            while (_context.Epoch < _options.Epochs && !(patience = OutOfPatience)) RunEpoch(line);
            _average?.CopyToModule();
            return new TrainingResult(_history, _bestEpoch, _best, patience, _context.Step, _bestEpoch < 0 ? null : _trainer.BestPath,
                _trainer.LastPath, _context.Scaler?.Skipped ?? 0);
        }
        catch (Exception e)
        {
            foreach (var callback in _callbacks)
            {
                if (e is OperationCanceledException) callback.OnStopped(_trainer);
                else callback.OnException(_trainer, e);
            }
            throw;
        }
        finally
        {
            foreach (var callback in _callbacks) callback.OnEnd(_trainer);
        }
    }

    // Each rank drops out other units.
    private void Randomize(ulong seed) => random.manual_seed(unchecked((long)(_group.IsFirst ? seed : Seed.Derive(seed,
        (ulong)_group.Rank))));

    private IProgressDisplay Progress => _group.IsFirst ? _trainer.Progress : IProgressDisplay.None;

    // Asked where all ranks ask: they stop together.
    private bool IsStopped => _cancellation.CanBeCanceled && _group.Any(_cancellation.IsCancellationRequested);

    private bool OutOfPatience =>
        _options.Patience is { } patience && _bestEpoch >= 0 && _history.Count(r => r.Epoch > _bestEpoch && Monitored(r) is not null) >= patience;

    private void RunEpoch(IProgressLine line)
    {
        var clock = Stopwatch.StartNew();
        var batches = _train.Epoch(_context.Epoch, _batch);
        using var prefetcher = _prefetch > 0 ? new Prefetcher(batches, _options.Device, _prefetch) : null;
        using var next = (prefetcher?.Batches() ?? batches).GetEnumerator();
        while (_batch < _train.Batches)
        {
            var times = RunStep(next, prefetcher is not null, out var examples);
            Report(line, examples, times);
            // Gradients that wait for more batches are in no checkpoint: save, and stop, between updates only. The end of an epoch has a
            // checkpoint of its own.
            if (!_context.UpdateDue || _batch == _train.Batches) continue;
            var stopped = IsStopped;
            if (stopped || CheckpointDue) Save(_trainer.LastPath);
            if (stopped) throw new OperationCanceledException(StoppedMessage, _cancellation);
        }
        EndEpoch(clock);
        var isLast = _context.Epoch == _options.Epochs || OutOfPatience;
        var isStopped = !isLast && IsStopped;
        if (isLast || isStopped || _context.Epoch % _options.CheckpointEveryEpochs == 0) Save(_trainer.LastPath);
        if (isStopped) throw new OperationCanceledException(StoppedMessage, _cancellation);
    }

    // True for the first step between updates after the last multiple.
    private bool CheckpointDue =>
        _options.CheckpointEvery > 0 && _context.Step / _options.CheckpointEvery > (_context.Step - _options.AccumulationSteps) / _options.CheckpointEvery;

    private string StoppedMessage => _lastCheckpoint is null
        ? $"Training was stopped after step {_context.Step}; nothing was saved."
        : $"Training was stopped after step {_context.Step}; it can go on from {_lastCheckpoint}";

    private StepTimes RunStep(IEnumerator<Batch> next, bool prefetched, out long examples)
    {
        using var scope = NewDisposeScope();
        var start = _context.Now();
        long began;
        try
        {
            if (!next.MoveNext())
                throw new InvalidDataException($"the stream ended after {_batch} of {_train.Batches} batches");
            var batch = next.Current;
            if (prefetched) scope.Attach(batch.Tensors);
            batch = batch.To(_options.Device);
            var shares = _train.SharesOf(_batch, batch, _group);
            examples = shares.All;
            began = _context.Now();
            var inGroup = _batch % _options.AccumulationSteps;
            var groupSize = Math.Min(_options.AccumulationSteps, _train.Batches - (_batch - inGroup));
            var updateDue = inGroup == groupSize - 1;
            if (updateDue) _parallel?.Begin();
            _trainer.RunStep(batch, shares, _context, groupSize, updateDue);
            if (_context.UpdateDue) _average?.Update();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var what = e is NonFiniteLossException ? $"{e.Message}: training stopped" : $"The training step failed ({e.Message})";
            throw new TrainingException(what, _context.Step, _context.Epoch, _lastCheckpoint, e);
        }
        _batch++;
        _context.Step++;
        if (_trainer.MetersFlush <= 1) _meters.Share();
        var (before, end) = (_stepEnd, _context.Now());
        _stepEnd = end;
        var (backward, update) = _context.Ticks;
        return new StepTimes(Seconds(began - start), Seconds(end - began - backward - update), Seconds(backward), Seconds(update),
            Seconds(start - before));

        static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;
    }

    private void OnGradients(optim.Optimizer optimizer)
    {
        foreach (var callback in _callbacks) callback.OnGradients(_trainer, _context, optimizer);
    }

    private void Report(IProgressLine line, long examples, StepTimes times)
    {
        foreach (var callback in _callbacks)
            callback.OnStep(_trainer,
                new StepReport(_context.Step - 1, TotalSteps, _context.Epoch, _meters.Last, LearningRate, examples, times));
        if (ReferenceEquals(Progress, IProgressDisplay.None)) return;
        // Of the last hundred steps, more or less.
        var rate = examples / Math.Max(times.Total, 1e-9);
        _examplesPerSecond = _examplesPerSecond == 0 ? rate : 1 / (0.99 / _examplesPerSecond + 0.01 / rate);
        // Nobody reads faster.
        if (Stopwatch.GetElapsedTime(_shown) < ShowInterval && _context.Step < TotalSteps) return;
        _shown = Stopwatch.GetTimestamp();
        line.Report((double)_context.Step / TotalSteps, Detail());
    }

    private string Detail()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"epoch {_context.Epoch + 1}/{_options.Epochs}");
        if (_meters.Last.TryGetValue("loss", out var loss)) text.Append(CultureInfo.InvariantCulture, $"  loss {loss:G4}");
        if (_history is [.., var last] && Monitored(last) is { } monitored && _validation is not null)
            text.Append(CultureInfo.InvariantCulture, $"  validation {monitored:G4}");
        if (!double.IsNaN(LearningRate)) text.Append(CultureInfo.InvariantCulture, $"  lr {LearningRate:G3}");
        text.Append(CultureInfo.InvariantCulture, $"  {_examplesPerSecond:G3} samples/s  {MemoryUse.OfProcess / 1e6:F0} MB");
        if (MemoryUse.Of(_options.Device) is { } used) text.Append(CultureInfo.InvariantCulture, $"  GPU {used / 1e6:F0} MB");
        if (_context.Scaler is { Skipped: > 0 } scaler) text.Append(CultureInfo.InvariantCulture, $"  {scaler.Skipped} updates skipped");
        return text.ToString();
    }

    private void EndEpoch(Stopwatch clock)
    {
        var training = _meters.Means();
        _meters.Clear();
        if (training.TryGetValue("loss", out var loss) && !double.IsFinite(loss))
            throw new TrainingException($"The loss is {loss}: training stopped", _context.Step - 1, _context.Epoch, _lastCheckpoint, null);

        var validation = new Dictionary<string, double>();
        if (_validation is not null && ((_context.Epoch + 1) % _options.EvaluateEvery == 0 || _context.Epoch + 1 == _options.Epochs))
        {
            _parallel?.SendBuffers();
            using var meters = new Meters(_trainer.MetersFlush, _group);
            using var averaged = _average?.Swap();
            _trainer.Evaluate(_validation, new StepContext(_trainer.Model, [], _trainer.Schedule, _options, meters), CancellationToken.None);
            validation = meters.Means();
        }
        var report = new EpochReport(_context.Epoch, _options.Epochs, _context.Step, training, validation, LearningRate, clock.Elapsed.TotalSeconds, IsBest: false);
        if (Monitored(report) is { } value && IsBetter(value))
        {
            (_best, _bestEpoch) = (value, _context.Epoch);
            report = report with { IsBest = true };
        }
        _history.Add(report);
        _context.Epoch++;
        _batch = 0;
        foreach (var callback in _callbacks) callback.OnEpoch(_trainer, report);
        if (report.IsBest) Save(_trainer.BestPath);
    }

    private double? Monitored(EpochReport report)
    {
        var metrics = _validation is null ? report.Training : report.Validation;
        if (metrics.Count == 0) return null;
        if (metrics.TryGetValue(_options.Monitor, out var value)) return value;
        // In float16 an epoch may have had nothing but overflows.
        return _context.Scaler is { Skipped: > 0 } ? null
            : throw new ArgumentException($"the step logs no '{_options.Monitor}' to monitor; it logs {string.Join(", ", metrics.Keys)}", nameof(TrainerOptions.Monitor));
    }

    private bool IsBetter(double value) =>
        _bestEpoch < 0 || (_options.MonitorMaximum ? value > _best + _options.MinimumImprovement : value < _best - _options.MinimumImprovement);

    private void Save(string? path)
    {
        if (path is null) return;
        var state = TrainerState();
        _parallel?.GatherStates();
        if (_group.IsFirst) Write(path, state);
        // Nobody reads, or stops, before it is there.
        _group.Barrier();
        _parallel?.ScatterStates();
        _lastCheckpoint = path;
        foreach (var callback in _callbacks) callback.OnCheckpoint(_trainer, path);
    }

    private void Write(string path, PyDict state)
    {
        Directory.CreateDirectory(_options.Directory!);
        foreach (var callback in _callbacks) callback.OnSaving(_trainer);
        using var scope = NewDisposeScope();
        var views = OptimizerStateDict.ViewsOf(TrainedModules);
        var model = Checkpoint.Describe(_trainer.Model);
        // What was evaluated is the model; what goes on being trained is only for resuming.
        if (_average is not null) model["state_dict"] = _average.State();
        var checkpoint = new PyDict
        {
            ["format_version"] = Checkpoint.FormatVersion,
            ["model"] = model,
            ["modules"] = ModuleStates(),
            ["optimizer"] = _optimizers.Select(o => (object?)OptimizerState.Save(o, views)).ToList(),
            ["scheduler"] = new PyDict { ["updates"] = _context.Updates.Select(u => (object?)u).ToList() },
            ["trainer"] = state,
            ["rng"] = new PyDict { ["torch"] = get_rng_state() },
            ["notes"] = Dict(_trainer.Notes.Select(n => KeyValuePair.Create(n.Key, (object?)n.Value))),
        };
        if (_average is not null)
            checkpoint["average"] = new PyDict
            {
                ["decay"] = _average.Decay,
                ["updates"] = _average.Updates,
                ["trained"] = Checkpoint.StateOf(_trainer.Model),
            };
        if (_context.Scaler is not null) checkpoint["grad_scaler"] = _context.Scaler.Save();
        Checkpoint.Save(path, checkpoint);
        if (path == _trainer.LastPath) StepCheckpoints.Keep(path, _context.Step, _options.KeepLast);
    }

    private PyDict ModuleStates() =>
        Dict(_trainer.Step.Modules.Concat(_trainer.Companions).Select(m => KeyValuePair.Create(m.Key, (object?)Checkpoint.StateOf(m.Value))));

    private static PyDict Dict(IEnumerable<KeyValuePair<string, object?>> items)
    {
        var dict = new PyDict();
        foreach (var (key, value) in items) dict.Add(key, value);
        return dict;
    }

    private PyDict TrainerState() => new()
    {
        ["epoch"] = (long)_context.Epoch,
        ["batch"] = _batch,
        ["step"] = _context.Step,
        ["batch_size"] = (long)_options.BatchSize,
        ["examples"] = _train.Examples,
        ["best_epoch"] = (long)_bestEpoch,
        ["best_value"] = _best,
        ["sums"] = Dict(_meters.Sums.Select(s => KeyValuePair.Create(s.Key, (object?)new PyTuple(s.Value.Sum, s.Value.Weight)))),
        ["history"] = _history.Select(r => (object?)HistoryEntry.Write(r)).ToList(),
        ["step_state"] = _trainer.Step.SaveState(),
    };

    private void Resume()
    {
        var path = _trainer.LastPath;
        if (!_options.Resume || !_group.Any(File.Exists(path))) return;
        if (!File.Exists(path))
            throw new IOException($"rank {_group.Rank} doesn't see {path}: the run's folder must be on a file system that all machines share");
        using var checkpoint = Checkpoint.Load(path);
        checkpoint.LoadInto(_trainer.Model);
        if (checkpoint.TrySection("average") is { } average)
        {
            _average?.CopyFromModule();
            if (_average is not null) _average.Updates = average.Get<long>("updates");
            StateDict.Load(_trainer.Model, average.Get<PyDict>("trained").ToTensors(), strict: true);
        }
        if (checkpoint.TrySection("grad_scaler") is { } scaler) _context.Scaler?.Load(scaler);
        foreach (var (name, module) in _trainer.Step.Modules.Concat(_trainer.Companions)) checkpoint.LoadModule(name, module);

        var state = checkpoint.Section("trainer");
        RequireSame("batch size", state.Get<long>("batch_size"), _options.BatchSize, path);
        RequireSame("number of training examples", state.Get<long>("examples"), _train.Examples, path);
        var optimizers = checkpoint.Optimizers;
        RequireSame("number of optimizers", optimizers.Count, _optimizers.Count, path);
        var updates = checkpoint.Section("scheduler").Get<List<object?>>("updates");
        var views = OptimizerStateDict.ViewsOf(TrainedModules);
        for (var i = 0; i < _optimizers.Count; i++)
        {
            OptimizerState.Load(_optimizers[i], optimizers[i], views, path);
            _context.Updates[i] = (long)updates[i]!;
        }
        _context.Epoch = (int)state.Get<long>("epoch");
        _context.Step = state.Get<long>("step");
        _batch = state.Get<long>("batch");
        _bestEpoch = (int)state.Get<long>("best_epoch");
        _best = state.Get<double>("best_value");
        foreach (var (name, sum) in state.Get<PyDict>("sums")) _meters.Restore((string)name!, (double)((PyTuple)sum!)[0]!, (double)((PyTuple)sum)[1]!);
        _history.AddRange(state.Get<List<object?>>("history").Select(r => HistoryEntry.Read((PyDict)r!, _options.Epochs)));
        if (state.TryGet<PyDict>("step_state", out var stepState)) _trainer.Step.LoadState(stepState);
        if (_group.IsFirst) set_rng_state(checkpoint.Section("rng").Get<Tensor>("torch"));
        else Randomize(Seed.Derive(_options.Seed, (ulong)_context.Step));
        _lastCheckpoint = path;
    }

    private static void RequireSame(string what, long saved, long now, string path)
    {
        if (saved != now) throw new ArgumentException($"cannot resume from {path}: its {what} is {saved}, this run's is {now}");
    }

    public void Dispose()
    {
        _parallel?.Dispose();
        _meters.Dispose();
        _average?.Dispose();
        foreach (var optimizer in _optimizers) optimizer.Dispose();
    }
}
