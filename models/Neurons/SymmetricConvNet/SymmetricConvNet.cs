using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A convolutional network without activations in its blocks, whose hidden channels have no preferred basis: with an invertible matrix
/// between them and its inverse behind them it computes the same (<see cref="ChannelBasisTransform"/>). (batch, channels, height, width) →
/// (batch, classes). State names <c>stem.…</c>, <c>layer{n}.{i}.…</c>, <c>fc.…</c>.
/// </summary>
/// <remarks>Source: Liu, Shao and Bai 2023.</remarks>
[Paper("continuous-symmetry-convnet", "A Novel Convolutional Neural Network Architecture with a Continuous Symmetry", "2308.01621", 2023)]
[Model("continuous-symmetry-convnet")]
public sealed class SymmetricConvNet : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "stem")]
    private readonly ConvBn _stem;
    private readonly ModuleList<PdeBlock>[] _stages;
    [ComponentName(Name = "fc")]
    private readonly Linear _head;

    /// <summary>A network with fresh weights, the framework's own.</summary>
    /// <param name="config">What it is made of.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public SymmetricConvNet(SymmetricConvNetConfig config) : base(nameof(SymmetricConvNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var isSmall = config.Layout == SymmetricLayout.Small;
        _stem = new ConvBn(config.InChannels, config.StemChannels, isSmall ? 3 : 7, isSmall ? 1 : 2, config.Fused);
        var (channels, number) = (config.StemChannels, 0);
        _stages = [.. config.BlocksPerStage.Select((blocks, stage) =>
        {
            var doubles = stage > 0 || !isSmall;
            return new ModuleList<PdeBlock>([.. Enumerable.Range(0, (int)blocks).Select(i => Block(doubles && i == 0))]);
        })];
        _head = Linear(channels, config.Classes);
        RegisterComponents();
        foreach (var (i, stage) in _stages.Index()) register_module($"layer{i + 1}", stage);

        PdeBlock Block(bool doubles)
        {
            var from = channels;
            if (doubles) channels *= 2;
            return new PdeBlock(from, channels, doubles ? 2 : 1, config.Expansion, config.Ball, config.Nonlinearity,
                config.VariableCoefficients, config.ZeroInitLast, config.Fused, config.LinearSkips.Contains(number++));
        }
    }

    /// <summary>What the network is made of.</summary>
    public SymmetricConvNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The blocks of all stages, first to last.</summary>
    public IReadOnlyList<PdeBlock> Blocks => [.. _stages.SelectMany(s => s)];

    internal ConvBn Stem => _stem;

    internal Linear Head => _head;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">It isn't (batch, channels, height, width).</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Kernels.Expect.Shape(x, nameof(x), -1, Config.InChannels, -1, -1);
        using var scope = NewDisposeScope();
        var u = _stem.call(x);
        if (Config.Layout == SymmetricLayout.Full) u = functional.max_pool2d(u.relu(), 3, 2, 1);
        foreach (var block in Blocks) u = block.call(u);
        return _head.call(u.mean([2, 3])).MoveToOuterDisposeScope();
    }

    /// <summary>The numbers of a stage's blocks, as in <see cref="Blocks"/>.</summary>
    internal Range BlocksOf(int stage)
    {
        var before = (int)Config.BlocksPerStage.Take(stage - 1).Sum();
        return before..(before + (int)Config.BlocksPerStage[stage - 1]);
    }
}
