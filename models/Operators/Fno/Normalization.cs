using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>Instance normalisation without parameters on any number of axes: each sample's channel to mean 0 and variance 1.</summary>
internal sealed class InstanceNorm() : Module<Tensor, Tensor>(nameof(InstanceNorm))
{
    public override Tensor forward(Tensor x) => functional.instance_norm(x, eps: 1e-5);
}

/// <summary>Batch normalisation on any number of axes.</summary>
internal sealed class BatchNorm : Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly BatchNorm1d _norm;

    public BatchNorm(long channels) : base(nameof(BatchNorm))
    {
        _norm = BatchNorm1d(channels);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return _norm.forward(x.flatten(2)).unflatten(2, x.shape[2..]).MoveToOuterDisposeScope();
    }
}

/// <summary>Adaptive instance normalisation: a small network turns an embedding into each channel's scale and shift.</summary>
internal sealed class AdaIn : Module<Tensor, Tensor>
{
    [ComponentName(Name = "mlp")]
    private readonly Sequential _mlp;
    private readonly long _features;
    private readonly long _channels;
    private Tensor[] _embedding = []; // not a field of type Tensor: those become buffers

    public AdaIn(long features, long channels) : base(nameof(AdaIn))
    {
        (_features, _channels) = (features, channels);
        _mlp = Sequential(Linear(features, 512), GELU(), Linear(512, 2 * channels));
        RegisterComponents();
    }

    public void SetEmbedding(Tensor embedding)
    {
        if (embedding.numel() != _features)
            throw new ArgumentException($"Expected {_features} numbers, got {embedding.numel()}", nameof(embedding));
        _embedding = [embedding.flatten()];
    }

    public override Tensor forward(Tensor x)
    {
        if (_embedding is not [var embedding])
            throw new InvalidOperationException("Call SetAdaInEmbeddings before the forward pass of ada_in");
        using var scope = NewDisposeScope();
        var scaleAndShift = _mlp.forward(embedding);
        return functional.group_norm(
            x, _channels, scaleAndShift.narrow(0, 0, _channels), scaleAndShift.narrow(0, _channels, _channels), 1e-5)
            .MoveToOuterDisposeScope();
    }
}
