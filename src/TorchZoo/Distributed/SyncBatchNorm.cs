using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>
/// Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) whose mean and variance are those of the whole batch, not of each rank's
/// share: many ranks with a few examples each train as one does with all of them. In place of <c>BatchNorm1d</c>, <c>2d</c> and <c>3d</c>,
/// with the same state names; evaluating is the same as with them.
/// </summary>
public sealed class SyncBatchNorm : nn.Module<Tensor, Tensor>
{
    private readonly SumOverRanks _sum;
    private readonly ProcessGroup _group;
    private readonly double _eps;
    private readonly double? _momentum;
    private readonly bool _isAffine;

    /// <summary>Makes a layer.</summary>
    /// <param name="features">Number of channels, the input's second axis.</param>
    /// <param name="eps">Is added to variances, &gt; 0.</param>
    /// <param name="momentum">The newest batch's share in running means, in [0, 1]; null: all batches count alike.</param>
    /// <param name="affine">Whether there are a weight and a bias.</param>
    /// <param name="group">The ranks; null: all (<see cref="ProcessGroup.World"/>).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public SyncBatchNorm(long features, double eps = 1e-5, double? momentum = 0.1, bool affine = true, ProcessGroup? group = null)
        : base(nameof(SyncBatchNorm))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        if (momentum is not (null or (>= 0 and <= 1))) throw new ArgumentOutOfRangeException(nameof(momentum), momentum,
            "must be in [0, 1]");
        (_eps, _momentum, _group) = (eps, momentum, group ?? ProcessGroup.World);
        _sum = new SumOverRanks(_group);
        if (affine)
        {
            register_parameter("weight", new Parameter(ones(features)));
            register_parameter("bias", new Parameter(zeros(features)));
        }
        _isAffine = affine;
        register_buffer("running_mean", zeros(features));
        register_buffer("running_var", ones(features));
        register_buffer("num_batches_tracked", tensor(0L));
    }

    /// <summary>Scale of each channel; null without one.</summary>
    public Parameter? Weight => _isAffine ? get_parameter("weight") : null;

    /// <summary>Shift of each channel; null without one.</summary>
    public Parameter? Bias => _isAffine ? get_parameter("bias") : null;

    /// <summary>The same network with <see cref="SyncBatchNorm"/> in place of every batch normalisation, and with its weights.</summary>
    /// <param name="module">A batch normalisation, or a <c>Sequential</c> of any depth; other modules keep their parts in fields of their
    /// own, and are built with this layer instead.</param>
    /// <param name="group">The ranks; null: all.</param>
    /// <returns>The new layer or <c>Sequential</c>; parts without batch normalisation are shared with the old one. A module without any is
    /// returned as it is.</returns>
    /// <exception cref="NotSupportedException">A batch normalisation belongs to another kind of module.</exception>
    public static nn.Module<Tensor, Tensor> Convert(nn.Module<Tensor, Tensor> module, ProcessGroup? group = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (module is BatchNorm norm) return Of(norm, group);
        if (!module.modules().Any(m => m is BatchNorm)) return module;
        if (module is not Sequential sequential)
            throw new NotSupportedException($"a batch normalisation is a part of {module.GetType().Name}, which can't be given another: "
                + $"build it with {nameof(SyncBatchNorm)}");
        var converted = nn.Sequential();
        foreach (var (name, child) in sequential.named_children())
            converted.append(name, child is nn.Module<Tensor, Tensor> part ? Convert(part, group)
                : throw new NotSupportedException($"{name} is no module from one tensor to one"));
        converted.train(module.training);
        return converted;
    }

    /// <summary>Normalises each channel.</summary>
    /// <param name="x">(batch, channels, …), of two axes or more; the batch may be of any size on each rank.</param>
    /// <exception cref="ArgumentException">The input has another number of channels, or all ranks together have but one value a
    /// channel.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (mean, variance) = (get_buffer("running_mean")!, get_buffer("running_var")!);
        if (x.dim() < 2 || x.shape[1] != mean.shape[0])
            throw new ArgumentException($"expected (batch, {mean.shape[0]}, …), got ({string.Join(", ", x.shape)})", nameof(x));
        if (!training) return nn.functional.batch_norm(x, mean, variance, Weight, Bias, training: false, eps: _eps);
        using var scope = NewDisposeScope();
        long[] others = [0, .. Enumerable.Range(2, (int)x.dim() - 2).Select(i => (long)i)];
        long[] channels = [1, x.shape[1], .. Enumerable.Repeat(1L, (int)x.dim() - 2)];
        Span<double> count = [x.numel() / x.shape[1]];
        _group.AllReduce(count);
        if (count[0] < 2) throw new ArgumentException("expected more than one value a channel in training", nameof(x));
        var batchMean = _sum.Apply(x.sum(others))[0] / count[0];
        // In two passes: the mean of squares less the square of the mean is inaccurate.
        var centred = x - batchMean.view(channels);
        var batchVariance = _sum.Apply(centred.square().sum(others))[0] / count[0];
        Track(mean, variance, batchMean, batchVariance * (count[0] / (count[0] - 1)));
        var y = centred * (batchVariance + _eps).rsqrt().view(channels);
        if (Weight is not null) y = y * Weight.view(channels) + Bias!.view(channels);
        return y.MoveToOuterDisposeScope();
    }

    private void Track(Tensor mean, Tensor variance, Tensor batchMean, Tensor batchVariance)
    {
        using var off = no_grad();
        var batches = get_buffer("num_batches_tracked")!;
        batches.add_(1);
        var share = _momentum ?? 1.0 / batches.item<long>();
        mean.lerp_(batchMean.to(mean.dtype), share);
        variance.lerp_(batchVariance.to(variance.dtype), share);
    }

    private static SyncBatchNorm Of(BatchNorm norm, ProcessGroup? group)
    {
        if (norm.running_mean is null) throw new NotSupportedException("a batch normalisation without running means can't be converted");
        using var off = no_grad();
        var result = new SyncBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.weight is not null, group);
        result.to(norm.running_mean.dtype).to(norm.running_mean.device);
        result.Weight?.copy_(norm.weight!);
        result.Bias?.copy_(norm.bias!);
        result.get_buffer("running_mean")!.copy_(norm.running_mean);
        result.get_buffer("running_var")!.copy_(norm.running_var!);
        result.get_buffer("num_batches_tracked")!.copy_(norm.num_batches_tracked!);
        result.train(norm.training);
        return result;
    }
}
