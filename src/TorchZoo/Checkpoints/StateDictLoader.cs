using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Checkpoints;

public static partial class StateDict
{
    /// <summary>
    /// Copies a state dict into a module, converting dtypes and devices. Everything is compared before anything is written: a module is
    /// never half loaded.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="state">Tensors by the keys of <see cref="Entries"/>.</param>
    /// <param name="strict">Whether all keys must fit; otherwise those that do are loaded.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="ArgumentException">Strict, and keys are missing, unexpected or mismatched; the message names all of
    /// them.</exception>
    public static StateDictReport Load(Module module, IReadOnlyDictionary<string, Tensor> state, bool strict = true)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var match = Match(module, state, strict);
        match.Write(pairs =>
        {
            foreach (var (target, source) in pairs) target.copy_(source);
        });
        return match.Report;
    }

    /// <summary>What goes where.</summary>
    /// <param name="Report">What does not fit.</param>
    /// <param name="Pairs">The module's tensors and the state dict's.</param>
    /// <param name="Sized">New tensors for those whose size the state dict decides, and the state dict's; by module and its name for each.</param>
    internal sealed record Matching(StateDictReport Report, List<(Tensor Target, Tensor Source)> Pairs,
        Dictionary<IHasSizedState, Dictionary<string, (Tensor Target, Tensor Source)>> Sized)
    {
        /// <summary>Writes to the module. What it may refuse comes first, so that it is never half loaded.</summary>
        /// <param name="copy">Copies from sources to targets.</param>
        public void Write(Action<IEnumerable<(Tensor Target, Tensor Source)>> copy)
        {
            var changes = new List<Action>();
            if (Sized.Count > 0)
            {
                copy(Sized.Values.SelectMany(tensors => tensors.Values));
                foreach (var (module, tensors) in Sized) changes.Add(module.Adopt(tensors.ToDictionary(t => t.Key, t => t.Value.Target)));
            }
            copy(Pairs);
            foreach (var change in changes) change();
        }
    }

    /// <summary>Finds the tensor of the module for each of the state dict; the targets belong to the open dispose scope.</summary>
    /// <exception cref="ArgumentException">Strict, and keys don't fit.</exception>
    internal static Matching Match(Module module, IReadOnlyDictionary<string, Tensor> state, bool strict)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(state);
        List<string> missing = [], mismatched = [];
        var pairs = new List<(Tensor, Tensor)>();
        var sized = new Dictionary<IHasSizedState, Dictionary<string, (Tensor, Tensor)>>();
        var known = new HashSet<string>();
        foreach (var entry in Entries(module))
        {
            known.Add(entry.Key);
            var target = entry.Show();
            if (!state.TryGetValue(entry.Key, out var source))
            {
                if (!entry.IsOptional) missing.Add(entry.Key);
            }
            else if (entry.Sized is var (owner, name) && source.dim() == target.dim())
            {
                if (!sized.TryGetValue(owner, out var tensors)) sized[owner] = tensors = [];
                tensors[name] = (empty(source.shape, target.dtype), source);
            }
            // Some libraries store complex weights as real pairs: the same numbers under the same name.
            else if (target.is_complex() && !source.is_complex() && source.shape.AsSpan().SequenceEqual([.. target.shape, 2]))
                pairs.Add((target.view_as_real(), source));
            else if (!target.shape.AsSpan().SequenceEqual(source.shape))
                mismatched.Add($"{entry.Key} (module [{string.Join(", ", target.shape)}], state dict [{string.Join(", ", source.shape)}])");
            else if (source.is_complex() && !target.is_complex())
                mismatched.Add($"{entry.Key} (module {target.dtype}, state dict {source.dtype})");
            else pairs.Add((target, source));
        }
        // Part of what belongs together is no use.
        foreach (var owner in sized.Keys.Where(o => sized[o].Count < o.SizedState.Count()).ToList()) sized.Remove(owner);
        var report = new StateDictReport(missing, [.. state.Keys.Where(key => !known.Contains(key))], mismatched);
        if (strict && !report.IsExact)
            throw new ArgumentException(
                $"The state dict does not fit {module.GetType().Name}.{Environment.NewLine}{report}", nameof(state));
        return new(report, pairs, sized);
    }
}
