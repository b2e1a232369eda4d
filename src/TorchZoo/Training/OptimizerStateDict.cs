using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// States of optimizers as files hold them. That of a <see cref="FusedOptimizer"/> is what <c>state_dict()</c> of torch.optim's gives, so
/// that a training can go on here that began in PyTorch, and the reverse.
/// </summary>
public static class OptimizerStateDict
{
    /// <summary>Writes a state, for <see cref="PyTorchFile.Save"/>.</summary>
    /// <param name="optimizer">The optimizer; of <see cref="FusedAdam"/>, <see cref="FusedAdamW"/> and <see cref="FusedSgd"/> PyTorch's Adam, AdamW and SGD load it.</param>
    /// <param name="modules">Modules of the parameters, if they have <see cref="IHasStateViews"/>: moments are shown as their parameters
    /// are.</param>
    /// <returns>A tree whose tensors are views of the optimizer's memory.</returns>
    /// <exception cref="NotSupportedException">It has no state that could be saved.</exception>
    public static PyDict Save(optim.Optimizer optimizer, params IEnumerable<nn.Module> modules)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return OptimizerState.Save(optimizer, ViewsOf(modules));
    }

    /// <summary>
    /// Reads a state into an optimizer, also one that PyTorch saved: <c>checkpoint.Get&lt;PyDict&gt;("optimizer")</c>, or what it is called
    /// there. Parameters are told apart by their order, as in PyTorch.
    /// </summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="state">What <c>optimizer.state_dict()</c> gave; it is copied.</param>
    /// <param name="modules">See <see cref="Save(optim.Optimizer, IEnumerable{nn.Module})"/>.</param>
    /// <exception cref="InvalidDataException">The state is of another optimizer, or does not fit the parameters. The optimizer is then as
    /// it was.</exception>
    public static void Load(optim.Optimizer optimizer, PyDict state, params IEnumerable<nn.Module> modules)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(state);
        OptimizerState.Load(optimizer, state, ViewsOf(modules), "the checkpoint");
    }

    /// <summary>How state dicts show the parameters of some modules, by the parameters' handles.</summary>
    internal static IReadOnlyDictionary<IntPtr, Func<Tensor, Tensor>> ViewsOf(IEnumerable<nn.Module> modules) =>
        modules.SelectMany(m => StateDict.Entries(m)).DistinctBy(e => e.Stored.Handle).ToDictionary(e => e.Stored.Handle, e => e.View);
}
