using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// Says that a state dict shows a parameter under another name and in another layout than the module stores it in: a real pair (…, 2)
/// as complex numbers, modes first as modes last.
/// </summary>
/// <param name="Parameter">Name of the stored parameter within its module.</param>
/// <param name="Key">Name in the state dict, relative to the module; it may contain dots.</param>
/// <param name="View">From the stored layout to the one shown, for the parameter, its gradient or its optimizer state alike. It copies
/// nothing: what is written to its result is written to the parameter.</param>
public sealed record StateView(string Parameter, string Key, Func<Tensor, Tensor> View);

/// <summary>A module with such parameters. Its owners' <c>state_dict</c> goes through <see cref="StateDict.Of"/>.</summary>
public interface IHasStateViews
{
    /// <summary>One entry for each parameter whose name or layout differs; the others are shown as they are.</summary>
    IEnumerable<StateView> StateViews { get; }
}

/// <summary>A module with buffers that a state dict may lack, because the reference implementation doesn't store them. They are stored here,
/// and a strict load that doesn't find them leaves them as they are.</summary>
public interface IHasOptionalState
{
    /// <summary>Names of the buffers within the module.</summary>
    IEnumerable<string> OptionalState { get; }
}

/// <summary>A module with parameters or buffers whose size a state dict decides, as the number of a sparse weight's entries. They are one layer's
/// and belong together: all are replaced at once, or none.</summary>
public interface IHasSizedState
{
    /// <summary>Names of these parameters and buffers within the module.</summary>
    IEnumerable<string> SizedState { get; }

    /// <summary>Checks what a state dict has for them.</summary>
    /// <param name="tensors">A tensor for each name.</param>
    /// <returns>What makes the change; parameters stay the same objects.</returns>
    /// <exception cref="ArgumentException">They don't fit the module or each other.</exception>
    Action Adopt(IReadOnlyDictionary<string, Tensor> tensors);
}
