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
        var groups = saved.Get<List<object?>>("param_groups");
        var sizes = adam.GroupSizes.ToArray();
        if (groups.Count != sizes.Length || groups.Select((g, i) => ((PyDict)g!).Get<List<object?>>("params").Count != sizes[i]).Any(differs => differs))
            throw new InvalidDataException($"{path}: the saved optimizer has other parameter groups");

        foreach (var (options, group) in adam.GroupOptions.Zip(groups.Cast<PyDict>()))
        {
            options.LearningRate = group.Get<double>("lr");
            if (group.TryGet<double>("initial_lr", out var initial)) options.InitialLearningRate = initial;
            var betas = group.Get<PyTuple>("betas");
            (options.beta1, options.beta2) = ((double)betas[0]!, (double)betas[1]!);
            options.eps = group.Get<double>("eps");
            options.weight_decay = group.Get<double>("weight_decay");
            options.amsgrad = group.Get<bool>("amsgrad");
            options.maximize = group.TryGet<bool>("maximize", out var maximize) && maximize;
        }

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var states = saved.Get<PyDict>("state");
        for (var i = 0; i < adam.States.Count; i++)
        {
            var s = adam.States[i];
            s.Dispose();
            if (!states.TryGet<PyDict>([(long)i], out var entry)) continue;
            var amsgrad = entry.TryGet<Tensor>("max_exp_avg_sq", out var max);
            s.Create(amsgrad);
            var view = views.GetValueOrDefault(s.Parameter.Handle, Same);
            Copy(view(s.ExpAvg!), entry.Get<Tensor>("exp_avg"));
            Copy(view(s.ExpAvgSq!), entry.Get<Tensor>("exp_avg_sq"));
            if (amsgrad) Copy(view(s.MaxExpAvgSq!), max!);
            // A plain number in checkpoints of torch < 1.12.
            if (entry.TryGet<Tensor>("step", out var step)) s.Step!.copy_(step);
            else s.Step!.fill_(entry.Get<double>("step"));
        }

        void Copy(Tensor to, Tensor from)
        {
            if (!to.shape.SequenceEqual(from.shape))
                throw new InvalidDataException($"{path}: an optimizer moment has shape ({string.Join(", ", from.shape)}), its parameter ({string.Join(", ", to.shape)})");
            to.copy_(from);
        }
    }

    private static Tensor Same(Tensor stored) => stored.alias();
}
