using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Checkpoints;

/// <summary>State dicts as the reference implementation names and shapes them (see <see cref="IHasStateViews"/>).</summary>
public static partial class StateDict
{
    /// <summary>One line of a state dict.</summary>
    /// <param name="Key">Full name.</param>
    /// <param name="Stored">The parameter or buffer as the module stores it.</param>
    /// <param name="View">From the stored layout to the one shown.</param>
    /// <param name="IsOptional">Whether a state dict may lack it (see <see cref="IHasOptionalState"/>).</param>
    public readonly record struct Entry(string Key, Tensor Stored, Func<Tensor, Tensor> View, bool IsOptional = false)
    {
        /// <summary>The module and its name for the tensor, where state dicts decide its size.</summary>
        internal (IHasSizedState Module, string Name)? Sized { get; init; }

        /// <summary>The tensor that the state dict shows; it shares memory with the module. The caller disposes of it.</summary>
        public Tensor Show() { using var off = no_grad(); return View(Stored); }
    }

    /// <summary>
    /// Parameters and persistent buffers of a module and its descendants, in PyTorch's order: own parameters, own buffers, then child by child.
    /// </summary>
    public static IEnumerable<Entry> Entries(Module module, string prefix = "")
    {
        var views = (module as IHasStateViews)?.StateViews.ToDictionary(v => v.Parameter) ?? [];
        var optional = (module as IHasOptionalState)?.OptionalState ?? [];
        var sized = module as IHasSizedState;
        (IHasSizedState, string)? Sized(string name) => sized?.SizedState.Contains(name) is true ? (sized, name) : null;
        foreach (var (name, parameter) in module.named_parameters(recurse: false))
            yield return views.TryGetValue(name, out var view)
                ? new Entry(prefix + view.Key, parameter, view.View)
                : new Entry(prefix + name, parameter, Same) { Sized = Sized(name) };
        foreach (var (name, buffer) in module.named_buffers(recurse: false, include_nonpersistent: false))
            yield return new Entry(prefix + name, buffer, Same, optional.Contains(name)) { Sized = Sized(name) };
        foreach (var (name, child) in module.named_children())
            foreach (var entry in Entries(child, $"{prefix}{name}."))
                yield return entry;
    }

    /// <summary>The state dict; its tensors share memory with the module.</summary>
    public static Dictionary<string, Tensor> Of(Module module) => Entries(module).ToDictionary(e => e.Key, e => e.Show());

    /// <summary>The body of a module's <c>state_dict</c> override: adds the entries of <paramref name="module"/> to a dictionary.</summary>
    public static Dictionary<string, Tensor> Collect(Module module, Dictionary<string, Tensor>? destination, string? prefix)
    {
        destination ??= [];
        foreach (var entry in Entries(module, string.IsNullOrEmpty(prefix) ? "" : prefix + "."))
            destination.TryAdd(entry.Key, entry.Show());
        return destination;
    }

    /// <summary>The gradients that are there, named and shaped as in the state dict.</summary>
    public static Dictionary<string, Tensor> Gradients(Module module)
    {
        using var off = no_grad();
        var gradients = new Dictionary<string, Tensor>();
        foreach (var entry in Entries(module))
            if (entry.Stored is Parameter { grad: { } gradient })
                gradients.Add(entry.Key, entry.View(gradient));
        return gradients;
    }

    /// <summary>Number of trainable weights as the state dict shows them: a complex weight counts once.</summary>
    public static long ParameterCount(Module module) => Entries(module).Where(e => e.Stored is Parameter).Sum(e =>
    {
        using var shown = e.Show();
        return shown.numel();
    });

    private static Tensor Same(Tensor stored) => stored.alias();
}
