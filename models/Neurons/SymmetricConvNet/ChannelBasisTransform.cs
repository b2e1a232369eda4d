using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Changes the basis of a <see cref="SymmetricConvNet"/>'s hidden channels: what makes a hidden state is multiplied by Q, what reads it by
/// Q⁻¹, and the network computes the same with other weights. Any invertible Q where no ball lies between, orthogonal ones elsewhere.
/// </summary>
/// <remarks>Source: Liu, Shao and Bai 2023. The result is for evaluation: normalisations are fused into the 1×1 convolutions. In float64
/// the same means 10⁻¹², in float32 about 10⁻⁴ after some stages.</remarks>
public static class ChannelBasisTransform
{
    /// <summary>Changes the basis of all hidden states of a stage.</summary>
    /// <param name="net">The network, in evaluation mode. It stays as it is.</param>
    /// <param name="stage">The stage, counted from 1 as in state names.</param>
    /// <param name="q">Q (channels, channels) of the stage.</param>
    /// <param name="exact">Whether to refuse a Q that would change what the network computes; without, it is applied all the same, to see
    /// what happens.</param>
    /// <returns>A new network, fused, in evaluation mode.</returns>
    /// <exception cref="ArgumentException">There is no such stage, Q has another size or is singular, or isn't a symmetry here.</exception>
    /// <exception cref="InvalidOperationException">The network is in training mode.</exception>
    public static SymmetricConvNet Apply(SymmetricConvNet net, int stage, Tensor q, bool exact = true)
    {
        ArgumentNullException.ThrowIfNull(net);
        if (stage < 1 || stage > net.Config.BlocksPerStage.Count)
            throw new ArgumentOutOfRangeException(nameof(stage), stage, $"Expected 1 to {net.Config.BlocksPerStage.Count}");
        var range = net.BlocksOf(stage);
        var (first, end) = (range.Start.Value, range.End.Value);
        var changes = net.Blocks[first].InChannels != net.Blocks[first].OutChannels;
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var inverse = Inverse(net, q, net.Blocks[first].OutChannels, net.Blocks.Take(range).Any(b => b.HasBall), exact);
        var result = Fused(net, net.Config.LinearSkips);
        q = Like(q, net);
        // Without a block that makes the stage's channels the stem does, and all blocks read them.
        if (!changes) result.Stem.MixOutputs(q);
        for (var i = first; i < end; i++)
        {
            result.Blocks[i].MixOutputs(q);
            if (i > first || !changes) result.Blocks[i].UnmixInputs(inverse);
        }
        Read(result, end, inverse);
        return result;
    }

    /// <summary>Changes the basis of a single hidden state, between a block and the next one. Their skip connections become
    /// convolutions.</summary>
    /// <param name="net">The network, in evaluation mode. It stays as it is.</param>
    /// <param name="block">The block before, as in <see cref="SymmetricConvNet.Blocks"/>.</param>
    /// <param name="q">Q (channels, channels) of the block's outputs.</param>
    /// <returns>A new network, fused, in evaluation mode.</returns>
    /// <exception cref="ArgumentException">There is no such block, Q has another size or is singular, or isn't a symmetry here.</exception>
    /// <exception cref="InvalidOperationException">The network is in training mode.</exception>
    public static SymmetricConvNet ApplyJunction(SymmetricConvNet net, int block, Tensor q)
    {
        ArgumentNullException.ThrowIfNull(net);
        if (block < 0 || block >= net.Blocks.Count)
            throw new ArgumentOutOfRangeException(nameof(block), block, $"Expected 0 to {net.Blocks.Count - 1}");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var inverse = Inverse(net, q, net.Blocks[block].OutChannels, net.Blocks[block].HasBall, true);
        var needed = Enumerable.Range(block, Math.Min(2, net.Blocks.Count - block)).Where(b => !net.Blocks[b].HasSkip);
        var result = Fused(net, [.. net.Config.LinearSkips.Union(needed).Order()]);
        result.Blocks[block].MixOutputs(Like(q, net));
        Read(result, block + 1, inverse);
        return result;
    }

    private static void Read(SymmetricConvNet net, int block, Tensor inverse)
    {
        if (block < net.Blocks.Count) net.Blocks[block].UnmixInputs(inverse);
        else net.Head.weight.copy_(net.Head.weight.matmul(inverse));
    }

    private static Tensor Like(Tensor q, SymmetricConvNet net) => q.detach().to(net.Head.weight.dtype).to(net.Head.weight.device);

    private static SymmetricConvNet Fused(SymmetricConvNet net, IReadOnlyList<int> linearSkips)
    {
        var result = new SymmetricConvNet(net.Config with { Fused = true, LinearSkips = linearSkips });
        result.to(net.Head.weight.device, net.Head.weight.dtype);
        result.Stem.CopyFused(net.Stem);
        foreach (var (to, from) in result.Blocks.Zip(net.Blocks)) to.CopyFused(from);
        result.Head.load_state_dict(net.Head.state_dict());
        result.eval();
        return result;
    }

    private static Tensor Inverse(SymmetricConvNet net, Tensor q, long channels, bool hasBall, bool exact)
    {
        if (net.training)
            throw new InvalidOperationException("In training mode normalisations depend on the batch: call eval() first.");
        ArgumentNullException.ThrowIfNull(q);
        Kernels.Expect.Shape(q, nameof(q), channels, channels);
        var wide = q.detach().to(ScalarType.Float64).cpu();
        var sizes = linalg.svdvals(wide);
        if (!(sizes[-1].item<double>() > 1e-10 * sizes[0].item<double>()))
            throw new ArgumentException("Expected an invertible matrix", nameof(q));
        if (exact && net.Config.Nonlinearity == BlockNonlinearity.Relu)
            throw new ArgumentException("A network with ReLU has no such symmetry", nameof(net));
        if (exact && hasBall && (wide.t().matmul(wide) - eye(channels, dtype: ScalarType.Float64)).abs().max().item<double>() > 1e-6)
            throw new ArgumentException("Expected an orthogonal matrix: there is a ball in between", nameof(q));
        return Like(linalg.inv(wide), net);
    }
}
