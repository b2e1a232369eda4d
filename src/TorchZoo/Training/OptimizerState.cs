using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// Optimizer states as checkpoints hold them: those of our own optimizers in torch.optim's layout, so that PyTorch takes them and we take
/// PyTorch's; those of TorchSharp's own optimizers as the bytes that TorchSharp writes.
/// </summary>
internal static class OptimizerState
{
    private const string OwnFormat = "torchsharp";

    /// <summary>Writes a state. Its tensors are views of the optimizer's memory.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="views">By parameter handle, from the stored layout to the state dict's: moments follow their parameter.</param>
    public static PyDict Save(optim.Optimizer optimizer, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views)
    {
        if (optimizer is FusedOptimizer fused) return Save(fused, views);
        if (optimizer is Lbfgs lbfgs) return lbfgs.SaveState();
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
        if (optimizer is FusedOptimizer fused)
        {
            Load(fused, state, views, path);
            return;
        }
        if (optimizer is Lbfgs lbfgs)
        {
            lbfgs.LoadState(state, path);
            return;
        }
        if (optimizer is not OptimizerHelper helper || !state.TryGet<byte[]>(OwnFormat, out var bytes))
            throw new InvalidDataException($"{path}: the saved optimizer state does not belong to a {optimizer.GetType().Name}");
        using var reader = new BinaryReader(new MemoryStream(bytes));
        helper.load_state_dict(reader);
    }

    private static PyDict Save(FusedOptimizer optimizer, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views)
    {
        using var off = no_grad();
        var states = new PyDict();
        for (var i = 0; i < optimizer.States.Count; i++)
        {
            var state = optimizer.States[i];
            if (state.Step == 0) continue;
            var view = views.GetValueOrDefault(state.Parameter.Handle, Same);
            var entry = new PyDict();
            if (optimizer.SavesStep) entry["step"] = tensor((float)state.Step);
            for (var k = 0; k < optimizer.StateNames.Count; k++)
                if (state[k] is { } moment) entry[optimizer.StateNames[k]] = view(moment);
            if (!optimizer.SavesStep && entry.Count == 0) entry[optimizer.StateNames[0]] = null;
            states[(long)i] = entry;
        }

        var groups = new List<object?>();
        var first = 0;
        foreach (var (options, count) in optimizer.GroupOptions.Zip(optimizer.GroupSizes))
        {
            var group = OptionsOf(options);
            group["initial_lr"] = options.InitialLearningRate;
            group["params"] = Enumerable.Range(first, count).Select(i => (object?)(long)i).ToList();
            groups.Add(group);
            first += count;
        }
        return new PyDict { ["state"] = states, ["param_groups"] = groups };
    }

    // All that torch.optim's own optimizers expect of a group.
    private static PyDict OptionsOf(OptimizerOptions options) => options switch
    {
        Adam.Options o => new()
        {
            ["lr"] = o.LearningRate!.Value,
            ["betas"] = new PyTuple(o.beta1!.Value, o.beta2!.Value),
            ["eps"] = o.eps!.Value,
            ["weight_decay"] = o.weight_decay!.Value,
            ["amsgrad"] = o.amsgrad!.Value,
            ["maximize"] = o.maximize!.Value,
            ["foreach"] = null,
            ["capturable"] = false,
            ["differentiable"] = false,
            ["fused"] = null,
        },
        SGD.Options o => new()
        {
            ["lr"] = o.LearningRate!.Value,
            ["momentum"] = o.momentum!.Value,
            ["dampening"] = o.dampening!.Value,
            ["weight_decay"] = o.weight_decay!.Value,
            ["nesterov"] = o.nesterov!.Value,
            ["maximize"] = o.maximize!.Value,
            ["foreach"] = null,
            ["differentiable"] = false,
            ["fused"] = null,
        },
        _ => throw new NotSupportedException($"no layout is known for {options.GetType()}"),
    };

    private static void Load(FusedOptimizer optimizer, PyDict saved, IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> views, string path)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var sizes = optimizer.GroupSizes.ToArray();
        var moments = new List<Moments?>();
        var options = new List<Action>();
        try
        {
            var groups = saved.Get<List<object?>>("param_groups");
            if (groups.Count != sizes.Length
                || sizes.Where((size, i) => saved.Get<List<object?>>("param_groups", i, "params").Count != size).Any())
                throw new InvalidDataException("the saved optimizer has other parameter groups");
            options.AddRange(optimizer.GroupOptions.Select((to, i) => Reader(to, saved.Get<PyDict>("param_groups", i))));
            var ids = sizes.SelectMany((_, i) => saved.Get<List<object?>>("param_groups", i, "params"));
            var states = saved.Get<PyDict>("state");
            foreach (var (id, state) in ids.Zip(optimizer.States))
                moments.Add(id is long && states.TryGet<PyDict>([id], out var entry)
                    ? MomentsOf(optimizer, entry, state.Parameter, ViewOf(state.Parameter)) : null);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }

        foreach (var set in options) set();
        foreach (var (state, from) in optimizer.States.Zip(moments))
        {
            state.Dispose();
            if (from is null) continue;
            state.Step = from.Step;
            var view = ViewOf(state.Parameter);
            for (var k = 0; k < from.Tensors.Length; k++)
                if (from.Tensors[k] is { } moment) view(state.Get(k)).copy_(moment);
        }

        Func<Tensor, Tensor> ViewOf(Parameter parameter) => views.GetValueOrDefault(parameter.Handle, Same);
    }

    /// <summary>Reads a group's options; what it returns sets them.</summary>
    private static Action Reader(OptimizerOptions to, PyDict group)
    {
        var rate = group.Get<double>("lr");
        // Without a scheduler PyTorch saves none.
        var initial = group.TryGet<double>("initial_lr", out var saved) ? saved : to.InitialLearningRate;
        var decay = group.Get<double>("weight_decay");
        var maximize = group.TryGet<bool>("maximize", out var climb) && climb;
        Action rest;
        switch (to)
        {
            case Adam.Options o:
                var (beta1, beta2, eps, amsgrad) = (group.Get<double>("betas", 0), group.Get<double>("betas", 1), group.Get<double>("eps"),
                    group.Get<bool>("amsgrad"));
                rest = () => (o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad, o.maximize) = (beta1, beta2, eps, decay, amsgrad, maximize);
                break;
            case SGD.Options o:
                var (momentum, dampening, nesterov) = (group.Get<double>("momentum"), group.Get<double>("dampening"), group.Get<bool>("nesterov"));
                rest = () => (o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize) = (momentum, dampening, decay, nesterov, maximize);
                break;
            default: throw new NotSupportedException($"no layout is known for {to.GetType()}");
        }
        return () =>
        {
            (to.LearningRate, to.InitialLearningRate) = (rate, initial);
            rest();
        };
    }

    private static Moments MomentsOf(FusedOptimizer optimizer, PyDict entry, Parameter parameter, Func<Tensor, Tensor> view)
    {
        // Where it isn't counted, all that matters is that there was one.
        var step = !optimizer.SavesStep ? 1
            // A plain number in checkpoints of torch < 1.12.
            : !entry.TryGet<Tensor>("step", out var count) ? entry.Get<double>("step")
            : count.numel() == 1 ? count.to(ScalarType.Float64).item<double>()
            : throw new InvalidDataException("an optimizer's step is no scalar");
        using var shown = view(parameter);
        return new Moments((long)step, [.. optimizer.StateNames.Select(Fitting)]);

        Tensor? Fitting(string name)
        {
            // The last is for options (amsgrad, momentum): without them it is null or absent.
            if (!entry.TryGet<Tensor>(name, out var moment) && name == optimizer.StateNames[^1]) return null;
            moment ??= entry.Get<Tensor>(name);
            return moment.shape.AsSpan().SequenceEqual(shown.shape) ? moment : throw new InvalidDataException(
                $"an optimizer moment has shape ({string.Join(", ", moment.shape)}), its parameter ({string.Join(", ", shown.shape)})");
        }
    }

    private static Tensor Same(Tensor stored) => stored.alias();

    private sealed record Moments(long Step, Tensor?[] Tensors);
}
