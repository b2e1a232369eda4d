using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The branch and trunk nets of a DeepONet, which <see cref="DeepONet"/> and <see cref="DeepONetCartesianProd"/> combine in their two ways.
/// </summary>
/// <remarks>State dicts are DeepXDE's: <c>branch.linears.{i}.weight</c>, <c>trunk.linears.{i}.weight</c>, the biases and <c>b.{k}</c>; with
/// independent nets <c>branch.{k}.linears.{i}.weight</c> and so on.</remarks>
public abstract class BranchTrunkNet : OperatorNet, IConfigured
{
    private readonly Module<Tensor, Tensor>[] _branches;
    private readonly FullyConnectedNet[] _trunks;
    private readonly Func<Tensor, Tensor> _trunkActivation;
    [ComponentName(Name = "b")]
    private readonly ParameterList? _biases;
    private Tensor? _frequencies; // made at first use: they are in the configuration and no state

    private protected BranchTrunkNet(string name, DeepONetConfig config, Module<Tensor, Tensor>[]? branches) : base(name)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate(branches is not null);
        if (branches is not null && branches.Length != config.Pairs)
            throw new ArgumentException(
                $"Expected {config.Pairs} branch nets ({config.Strategy}), got {branches.Length}", nameof(branches));
        Config = config;
        _trunkActivation = Activations.Named(config.Activation.Trunk, nameof(config.Activation));
        _branches = branches ?? Several(() => Branch(config));
        _trunks = Several(() => new FullyConnectedNet(config.Trunk));
        if (config.UseBias) _biases = new ParameterList([.. Enumerable.Range(0, config.NumOutputs).Select(_ => Parameter(zeros([])))]);
        register_module("branch", OneOrList(_branches));
        register_module("trunk", OneOrList(_trunks));
        RegisterComponents();

        TNet[] Several<TNet>(Func<TNet> make) => [.. Enumerable.Range(0, config.Pairs).Select(_ => make())];
    }

    /// <summary>What the network is made of.</summary>
    public DeepONetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    public sealed override Tensor Encode(Tensor u)
    {
        if (Config.LayerSizesBranch is { } sizes && (u.dim() != 2 || u.shape[1] != sizes[0]))
            throw new ArgumentException($"Branch: expected (functions, {sizes[0]} sensors), got {Shape(u)}", nameof(u));
        using var scope = NewDisposeScope();
        return Grouped([.. _branches.Select(Features)], Config.BranchGroups).MoveToOuterDisposeScope();

        Tensor Features(Module<Tensor, Tensor> branch) =>
            branch.call(u) is var features && features.dim() == 2 && features.shape[1] == Config.BranchWidth ? features :
                throw new ArgumentException(
                    $"Branch: expected a net that gives (functions, {Config.BranchWidth}), got {Shape(features)}", nameof(u));
    }

    /// <inheritdoc/>
    public sealed override Tensor Basis(Tensor y)
    {
        if (y.dim() != 2) throw new ArgumentException($"Trunk: expected (points, coordinates), got {Shape(y)}", nameof(y));
        using var scope = NewDisposeScope();
        var seen = InputTransform?.Invoke(y) ?? y;
        var expected = Config.TrunkFeatures?.Dimension ?? Config.LayerSizesTrunk[0];
        if (seen.dim() != 2 || seen.shape[1] != expected)
            throw new ArgumentException(
                $"Trunk: expected (points, {expected} coordinates){(InputTransform is null ? "" : " from the input transform")}, got "
                + Shape(seen), nameof(y));
        if (Config.TrunkFeatures is not null) seen = FourierFeatures.Apply(seen, Frequencies(Config.TrunkFeatures, seen));
        return Grouped([.. _trunks.Select(t => _trunkActivation(t.call(seen)))], Config.TrunkGroups).MoveToOuterDisposeScope();
    }

    /// <summary>b_0, or with several outputs all b_k, (outputs); null without biases.</summary>
    private protected Tensor? Offset() => _biases switch
    {
        null => null,
        [var single] => single.alias(),
        _ => stack(_biases),
    };

    private Tensor Frequencies(FourierFeatures features, Tensor like)
    {
        if (_frequencies is not null && _frequencies.dtype == like.dtype && _frequencies.device == like.device) return _frequencies;
        _frequencies?.Dispose();
        return _frequencies = features.Matrix().to(like.dtype, like.device).DetachFromDisposeScope();
    }

    private static Tensor Grouped(Tensor[] features, int groups) => features is [var single]
        ? single.unflatten(1, [groups, single.shape[1] / groups])
        : stack(features, 1);

    private static Module<Tensor, Tensor> Branch(DeepONetConfig config) => config switch
    {
        { ConvolutionalBranch: { } convolutional } => new ConvolutionalBranch(convolutional),
        { Stacked: true } => new StackedBranchNet(config.Branch),
        _ => new FullyConnectedNet(config.Branch),
    };

    private static Module OneOrList<TNet>(TNet[] nets) where TNet : Module => nets is [var single] ? single : new ModuleList<TNet>(nets);
}
