using System.Text.Json;

namespace TorchZoo.Models.Operators;

/// <summary>
/// What a <see cref="DeepONet"/> or a <see cref="DeepONetCartesianProd"/> is made of. Names and defaults are those of the reference
/// implementation (DeepXDE); in JSON they are its parameter names.
/// </summary>
public sealed record DeepONetConfig
{
    /// <summary>Widths of the branch net, from the number of sensors to its features. Null: the branch is
    /// <see cref="ConvolutionalBranch"/>, or a module that the constructor is given.</summary>
    public IReadOnlyList<long>? LayerSizesBranch { get; init; }

    /// <summary>A convolutional branch net instead of a fully connected one.</summary>
    public ConvolutionalBranchConfig? ConvolutionalBranch { get; init; }

    /// <summary>Widths of the trunk net, from what it sees of a query point (its coordinates, or the features made from them) to its
    /// features.</summary>
    public required IReadOnlyList<long> LayerSizesTrunk { get; init; }

    /// <summary>Activation (<see cref="Activations.Names"/>): after each layer of the trunk, after each but the last of the
    /// branch.</summary>
    public BranchTrunk<string> Activation { get; init; } = "relu";

    /// <summary>Initialisation of the weights (<see cref="Initializers.Names"/>); biases start at 0.</summary>
    public string KernelInitializer { get; init; } = "Glorot normal";

    /// <summary>Number n of outputs.</summary>
    public int NumOutputs { get; init; } = 1;

    /// <summary>How several outputs are made. Null or <see cref="MultiOutputStrategy.None"/> is
    /// <see cref="MultiOutputStrategy.Independent"/> then.</summary>
    public MultiOutputStrategy? MultiOutputStrategy { get; init; }

    /// <summary>Kept for configurations of the reference; must be null. Weight decay belongs to the optimizer.</summary>
    public JsonElement? Regularization { get; init; }

    /// <summary>Drop-out probability after the hidden layers' activations while training.</summary>
    public BranchTrunk<double> DropoutRate { get; init; } = 0;

    /// <summary>The branch is a <see cref="StackedBranchNet"/>: a net of its own for each feature.</summary>
    public bool Stacked { get; init; }

    /// <summary>The branch's last layer has a bias, and each output has its b_k.</summary>
    public bool UseBias { get; init; } = true;

    /// <summary>Fourier features of the query point, for the trunk to see in its place. Null: none.</summary>
    public FourierFeatures? TrunkFeatures { get; init; }

    /// <summary>The strategy that is meant: none for one output, some for several.</summary>
    internal MultiOutputStrategy Strategy => (NumOutputs, MultiOutputStrategy ?? Operators.MultiOutputStrategy.None) switch
    {
        ( > 1, Operators.MultiOutputStrategy.None) => Operators.MultiOutputStrategy.Independent,
        (_, var chosen) => chosen,
    };

    /// <summary>Pairs of nets.</summary>
    internal int Pairs => Strategy == Operators.MultiOutputStrategy.Independent ? NumOutputs : 1;

    /// <summary>Groups that the features of one branch net are cut into.</summary>
    internal int BranchGroups => Strategy is Operators.MultiOutputStrategy.SplitBoth or Operators.MultiOutputStrategy.SplitBranch ? NumOutputs : 1;

    /// <summary>Groups that the features of one trunk net are cut into.</summary>
    internal int TrunkGroups => Strategy is Operators.MultiOutputStrategy.SplitBoth or Operators.MultiOutputStrategy.SplitTrunk ? NumOutputs : 1;

    /// <summary>Features of a branch net that fit the trunk's.</summary>
    internal long BranchWidth => LayerSizesTrunk[^1] / TrunkGroups * BranchGroups;

    internal FullyConnectedNetConfig Branch => new()
    {
        LayerSizes = LayerSizesBranch!,
        Activation = Activation.Branch,
        KernelInitializer = KernelInitializer,
        UseBias = UseBias,
        DropoutRate = DropoutRate.Branch,
    };

    internal FullyConnectedNetConfig Trunk => new()
    {
        LayerSizes = LayerSizesTrunk,
        Activation = Activation.Trunk,
        KernelInitializer = KernelInitializer,
        DropoutRate = DropoutRate.Trunk,
    };

    /// <param name="branchGiven">The constructor was given its branch.</param>
    /// <exception cref="ArgumentException">An option is out of range or unknown, or the nets don't fit each other.</exception>
    internal void Validate(bool branchGiven)
    {
        if (NumOutputs < 1) throw new ArgumentException($"Expected a positive number, got {NumOutputs}", nameof(NumOutputs));
        if (NumOutputs == 1 && Strategy != Operators.MultiOutputStrategy.None)
            throw new ArgumentException($"One output needs no strategy, got {Strategy}", nameof(MultiOutputStrategy));
        if (!Enum.IsDefined(Strategy)) throw new ArgumentException($"Unknown strategy {Strategy}", nameof(MultiOutputStrategy));
        if (Regularization is not null)
            throw new ArgumentException("Expected null: give weight decay to the optimizer", nameof(Regularization));
        Trunk.Validate("trunk");
        ValidateFeatures();
        if (LayerSizesTrunk[^1] % TrunkGroups != 0)
            throw new ArgumentException(
                $"{Strategy}: {NumOutputs} outputs must divide the trunk's last width, got {LayerSizesTrunk[^1]}", nameof(LayerSizesTrunk));
        ValidateBranch(branchGiven);
    }

    private void ValidateFeatures()
    {
        TrunkFeatures?.Validate(nameof(TrunkFeatures));
        if (TrunkFeatures is not null && TrunkFeatures.Width != LayerSizesTrunk[0])
            throw new ArgumentException(
                $"Trunk: {TrunkFeatures.Frequencies.Count} frequencies make {TrunkFeatures.Width} features, the trunk's first width is "
                + LayerSizesTrunk[0], nameof(TrunkFeatures));
    }

    private void ValidateBranch(bool given)
    {
        var kinds = (LayerSizesBranch is null ? 0 : 1) + (ConvolutionalBranch is null ? 0 : 1) + (given ? 1 : 0);
        if (kinds != 1)
            throw new ArgumentException(
                "Branch: expected widths, a convolutional branch, or (by the constructor that takes one, then Checkpoint.LoadInto) a module; "
                + $"got {(kinds == 0 ? "none" : "more than one")} of them", nameof(LayerSizesBranch));
        if (Stacked && LayerSizesBranch is null)
            throw new ArgumentException("Branch: only a fully connected branch can be stacked", nameof(Stacked));
        if (given) return;
        ConvolutionalBranch?.Validate();
        if (LayerSizesBranch is not null) Branch.Validate("branch");
        var width = (LayerSizesBranch ?? ConvolutionalBranch!.LayerSizes)[^1];
        if (width % BranchGroups != 0)
            throw new ArgumentException(
                $"{Strategy}: {NumOutputs} outputs must divide the branch's last width, got {width}", nameof(LayerSizesBranch));
        if (width != BranchWidth)
            throw new ArgumentException(
                $"Branch and trunk don't fit ({Strategy}, outputs: {NumOutputs}): to a trunk that ends in {LayerSizesTrunk[^1]} belongs a branch "
                + $"that ends in {BranchWidth}, got {width}", nameof(LayerSizesBranch));
    }
}
