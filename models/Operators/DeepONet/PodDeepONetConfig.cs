namespace TorchZoo.Models.Operators;

/// <summary>What a <see cref="PodDeepONet"/> is made of, beside its basis. Names are those of DeepXDE's <c>PODDeepONet</c>.</summary>
public sealed record PodDeepONetConfig
{
    /// <summary>Widths of the branch net, from the number of sensors to its features: the number of modes plus those of the trunk. Null: the
    /// branch is a module that the constructor is given.</summary>
    public IReadOnlyList<long>? LayerSizesBranch { get; init; }

    /// <summary>Widths of a trunk net whose features join the basis. Null: the modes alone.</summary>
    public IReadOnlyList<long>? LayerSizesTrunk { get; init; }

    /// <summary>Activation (<see cref="Activations.Names"/>).</summary>
    public BranchTrunk<string> Activation { get; init; } = "relu";

    /// <summary>Initialisation of the weights (<see cref="Initializers.Names"/>); biases start at 0.</summary>
    public string KernelInitializer { get; init; } = "Glorot normal";

    /// <summary>Kept for configurations of the reference; must be null. Weight decay belongs to the optimizer.</summary>
    public System.Text.Json.JsonElement? Regularization { get; init; }

    /// <summary>The sum over basis functions is divided by the number of modes, as the published experiments do in their output
    /// transform.</summary>
    public bool DivideByModes { get; init; }

    /// <summary>Output points N and modes p; the constructor takes them from the basis. They say what a checkpoint holds.</summary>
    public IReadOnlyList<long>? BasisShape { get; init; }

    internal FullyConnectedNetConfig Branch => Net(LayerSizesBranch!, Activation.Branch);

    internal FullyConnectedNetConfig Trunk => Net(LayerSizesTrunk!, Activation.Trunk);

    private FullyConnectedNetConfig Net(IReadOnlyList<long> sizes, string activation) =>
        new() { LayerSizes = sizes, Activation = activation, KernelInitializer = KernelInitializer };

    /// <param name="branchGiven">The constructor was given its branch.</param>
    /// <exception cref="ArgumentException">An option is out of range or unknown, or the nets don't fit the basis.</exception>
    internal void Validate(bool branchGiven)
    {
        if (BasisShape is not { Count: 2 } || BasisShape.Any(s => s < 1))
            throw new ArgumentException(
                $"Basis: expected one (PodBasis.Fit), or the shape (points, modes) of one that is to be loaded; got [{string.Join(", ", BasisShape ?? [])}]",
                nameof(BasisShape));
        if (Regularization is not null)
            throw new ArgumentException("Expected null: give weight decay to the optimizer", nameof(Regularization));
        if (LayerSizesTrunk is not null) Trunk.Validate("trunk");
        if (branchGiven != (LayerSizesBranch is null))
            throw new ArgumentException(
                "Branch: expected either widths or (by the constructor that takes one, then Checkpoint.LoadInto) a module", nameof(LayerSizesBranch));
        if (branchGiven) return;
        Branch.Validate("branch");
        if (LayerSizesBranch![^1] != BranchWidth)
            throw new ArgumentException(
                $"Branch: to {BasisShape[1]} modes and {LayerSizesTrunk?[^1] ?? 0} features of the trunk belongs a branch that ends in {BranchWidth}, "
                + $"got {LayerSizesBranch[^1]}", nameof(LayerSizesBranch));
    }

    internal long BranchWidth => BasisShape![1] + (LayerSizesTrunk?[^1] ?? 0);
}
