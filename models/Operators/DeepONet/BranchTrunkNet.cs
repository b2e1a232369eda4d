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
    [ComponentName(Name = "frequencies")]
    private readonly Tensor? _frequencies;

    private protected BranchTrunkNet(string name, DeepONetConfig config, Module<Tensor, Tensor>[]? branches) : base(name)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate(branches is not null);
        if (branches is not null && branches.Length != config.Pairs)
            throw new ArgumentException($"Expected {config.Pairs} branch nets ({config.Strategy}), got {branches.Length}", nameof(branches));
        Config = config;
        _trunkActivation = Activations.Named(config.Activation.Trunk, nameof(config.Activation));
        _branches = branches ?? Several(() => Branch(config));
        _trunks = Several(() => new FullyConnectedNet(config.Trunk));
        if (config.UseBias) _biases = new ParameterList([.. Enumerable.Range(0, config.NumOutputs).Select(_ => Parameter(zeros([])))]);
        if (config.TrunkFeatures is not null)
        {
            _frequencies = config.TrunkFeatures.Matrix().to(get_default_dtype()).DetachFromDisposeScope();
            register_buffer("frequencies", _frequencies, persistent: false); // they are in the configuration
        }
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

        Tensor Features(Module<Tensor, Tensor> branch) => branch.call(u) is var features && features.dim() == 2 && features.shape[1] == Config.BranchWidth
            ? features
            : throw new ArgumentException($"Branch: expected a net that gives (functions, {Config.BranchWidth}), got {Shape(features)}", nameof(u));
    }

    /// <inheritdoc/>
    public sealed override Tensor Basis(Tensor y)
    {
        if (y.dim() != 2) throw new ArgumentException($"Trunk: expected (points, coordinates), got {Shape(y)}", nameof(y));
        using var scope = NewDisposeScope();
        var seen = InputTransform?.Invoke(y) ?? y;
        var expected = _frequencies?.shape[0] ?? Config.LayerSizesTrunk[0];
        if (seen.dim() != 2 || seen.shape[1] != expected)
            throw new ArgumentException(
                $"Trunk: expected (points, {expected} coordinates){(InputTransform is null ? "" : " from the input transform")}, got {Shape(seen)}",
                nameof(y));
        if (_frequencies is not null) seen = FourierFeatures.Apply(seen, _frequencies);
        return Grouped([.. _trunks.Select(t => _trunkActivation(t.call(seen)))], Config.TrunkGroups).MoveToOuterDisposeScope();
    }

    /// <summary>Adds b_k to output k along the last axis, in place.</summary>
    private protected Tensor AddBias(Tensor output) => _biases switch
    {
        null => output,
        [var single] => output.add_(single),
        _ => output.add_(stack(_biases)),
    };

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
