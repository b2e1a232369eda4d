using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// Optimizer states as checkpoints hold them: those of our Adam in torch.optim's layout, so that PyTorch takes them and we take PyTorch's;
/// those of TorchSharp's own optimizers as the bytes that TorchSharp writes.
/// </summary>
internal static class OptimizerState
{
    private const string OwnFormat = "torchsharp";

    /// <summary>Writes a state. Its tensors are views of the optimizer's memory.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="views">By parameter handle, from the stored layout to the state dict's: moments follow their parameter.</param>
    public static PyDict Save(optim.Optimizer optimizer, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views)
    {
        if (optimizer is FusedAdam adam) return Save(adam, views);
        if (optimizer is not OptimizerHelper helper)
            throw new NotSupportedException($"{optimizer.GetType().Name} has no state that could be saved");
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream)) helper.save_state_dict(writer);
        return new PyDict { [OwnFormat] = stream.ToArray(), ["type"] = optimizer.GetType().Name };
    }

    /// <summary>Reads a state into an optimizer.</summary>
    /// <exception cref="InvalidDataException">The state is of another optimizer, or does not fit the parameters.</exception>
    public static void Load(optim.Optimizer optimizer, PyDict state, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views, string path)
    {
        if (optimizer is FusedAdam adam)
        {
            Load(adam, state, views, path);
            return;
        }
        if (optimizer is not OptimizerHelper helper || !state.TryGet<byte[]>(OwnFormat, out var bytes))
            throw new InvalidDataException($"{path}: the saved optimizer state does not belong to a {optimizer.GetType().Name}");
        using var reader = new BinaryReader(new MemoryStream(bytes));
        helper.load_state_dict(reader);
    }

    private static PyDict Save(FusedAdam adam, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views)
    {
        using var off = no_grad();
        var states = new PyDict();
        for (var i = 0; i < adam.States.Count; i++)
        {
            var s = adam.States[i];
            if (s.Step is null) continue;
            var view = views.GetValueOrDefault(s.Parameter.Handle, Same);
            var entry = new PyDict { ["step"] = s.Step, ["exp_avg"] = view(s.ExpAvg!), ["exp_avg_sq"] = view(s.ExpAvgSq!) };
            if (s.MaxExpAvgSq is not null) entry["max_exp_avg_sq"] = view(s.MaxExpAvgSq);
            states[(long)i] = entry;
        }

        var groups = new List<object?>();
        var first = 0;
        foreach (var (options, count) in adam.GroupOptions.Zip(adam.GroupSizes))
        {
            groups.Add(new PyDict
            {
                ["lr"] = options.LearningRate!.Value,
                ["betas"] = new PyTuple(options.beta1!.Value, options.beta2!.Value),
                ["eps"] = options.eps!.Value,
                ["weight_decay"] = options.weight_decay!.Value,
                ["amsgrad"] = options.amsgrad!.Value,
                ["maximize"] = options.maximize!.Value,
                ["foreach"] = null,
                ["capturable"] = false,
                ["differentiable"] = false,
                ["fused"] = null,
                ["initial_lr"] = options.InitialLearningRate,
                ["params"] = Enumerable.Range(first, count).Select(i => (object?)(long)i).ToList(),
            });
            first += count;
        }
        return new PyDict { ["state"] = states, ["param_groups"] = groups };
    }

    private static void Load(FusedAdam adam, PyDict saved, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views, string path)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var sizes = adam.GroupSizes.ToArray();
        var moments = new List<Moments?>();
        var options = new List<Adam.Options>();
        try
        {
            var groups = saved.Get<List<object?>>("param_groups");
            if (groups.Count != sizes.Length
                || sizes.Where((size, i) => saved.Get<List<object?>>("param_groups", i, "params").Count != size).Any())
                throw new InvalidDataException("the saved optimizer has other parameter groups");
            for (var i = 0; i < sizes.Length; i++) options.Add(OptionsOf(saved.Get<PyDict>("param_groups", i)));
            var ids = sizes.SelectMany((_, i) => saved.Get<List<object?>>("param_groups", i, "params"));
            var states = saved.Get<PyDict>("state");
            foreach (var (id, s) in ids.Zip(adam.States))
                moments.Add(id is long && states.TryGet<PyDict>([id], out var entry)
                    ? MomentsOf(entry, s.Parameter, ViewOf(s.Parameter)) : null);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }

        foreach (var (to, from) in adam.GroupOptions.Zip(options))
        {
            (to.LearningRate, to.beta1, to.beta2, to.eps) = (from.LearningRate, from.beta1, from.beta2, from.eps);
            (to.weight_decay, to.amsgrad, to.maximize) = (from.weight_decay, from.amsgrad, from.maximize);
            // Without a scheduler PyTorch saves none.
            if (from.InitialLearningRate is var initial && !double.IsNaN(initial)) to.InitialLearningRate = initial;
        }
        foreach (var (s, from) in adam.States.Zip(moments))
        {
            s.Dispose();
            if (from is null) continue;
            s.Create(from.MaxExpAvgSq is not null);
            var view = ViewOf(s.Parameter);
            view(s.ExpAvg!).copy_(from.ExpAvg);
            view(s.ExpAvgSq!).copy_(from.ExpAvgSq);
            if (from.MaxExpAvgSq is { } max) view(s.MaxExpAvgSq!).copy_(max);
            s.Step!.fill_(from.Step);
        }

        Func<Tensor, Tensor> ViewOf(Parameter parameter) => views.GetValueOrDefault(parameter.Handle, Same);
    }

    private static Adam.Options OptionsOf(PyDict group) => new()
    {
        LearningRate = group.Get<double>("lr"),
        InitialLearningRate = group.TryGet<double>("initial_lr", out var initial) ? initial : double.NaN,
        beta1 = group.Get<double>("betas", 0),
        beta2 = group.Get<double>("betas", 1),
        eps = group.Get<double>("eps"),
        weight_decay = group.Get<double>("weight_decay"),
        amsgrad = group.Get<bool>("amsgrad"),
        maximize = group.TryGet<bool>("maximize", out var maximize) && maximize,
    };

    private static Moments MomentsOf(PyDict entry, Parameter parameter, Func<Tensor, Tensor> view)
    {
        // A plain number in checkpoints of torch < 1.12.
        var step = !entry.TryGet<Tensor>("step", out var tensor) ? entry.Get<double>("step")
            : tensor.numel() == 1 ? tensor.to(ScalarType.Float64).item<double>()
            : throw new InvalidDataException("an optimizer's step is no scalar");
        using var shown = view(parameter);
        return new Moments(step, Fitting("exp_avg"), Fitting("exp_avg_sq"),
            entry.TryGet<Tensor>("max_exp_avg_sq", out _) ? Fitting("max_exp_avg_sq") : null);

        Tensor Fitting(string name)
        {
            var moment = entry.Get<Tensor>(name);
            return moment.shape.AsSpan().SequenceEqual(shown.shape) ? moment : throw new InvalidDataException(
                $"an optimizer moment has shape ({string.Join(", ", moment.shape)}), its parameter ({string.Join(", ", shown.shape)})");
        }
    }

    private static Tensor Same(Tensor stored) => stored.alias();

    private sealed record Moments(double Step, Tensor ExpAvg, Tensor ExpAvgSq, Tensor? MaxExpAvgSq);
}
