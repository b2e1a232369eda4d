using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A convolution and a batch normalisation, or the one convolution that they make in evaluation. State names <c>conv.weight</c>,
/// <c>bn.…</c>, fused <c>conv.weight</c>, <c>conv.bias</c>.</summary>
internal sealed class ConvBn : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv;
    [ComponentName(Name = "bn")]
    private readonly BatchNorm2d? _bn;

    public ConvBn(long from, long to, long size = 1, long stride = 1, bool isFused = false) : base(nameof(ConvBn))
    {
        _conv = Conv2d(from, to, size, stride, size / 2, bias: isFused);
        _bn = isFused ? null : BatchNorm2d(to);
        RegisterComponents();
    }

    /// <summary>Weight and bias of the one convolution that does both.</summary>
    public (Tensor Weight, Tensor Bias) Weights => FusedConvBn.Weights(_conv, _bn);

    public BatchNorm2d? Norm => _bn;

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = _conv.call(x);
        return (_bn is null ? y : _bn.call(y)).MoveToOuterDisposeScope();
    }

    /// <summary>Takes another's function, fused.</summary>
    public void CopyFused(ConvBn other) => Set(other.Weights.Weight, other.Weights.Bias);

    /// <summary>Its outputs, mixed: W ← Q W, b ← Q b.</summary>
    public void MixOutputs(Tensor q)
    {
        var (weight, bias) = Weights;
        Set(q.matmul(weight.flatten(1)).reshape(weight.shape), q.matmul(bias));
    }

    /// <summary>What its inputs were before they were mixed: W ← W Q⁻¹, of a 1×1 convolution.</summary>
    public void UnmixInputs(Tensor inverse) => Set(_conv.weight.flatten(1).matmul(inverse).reshape(_conv.weight.shape), _conv.bias!);

    /// <summary>Makes a 1×1 convolution the identity.</summary>
    public void SetIdentity()
    {
        var weight = _conv.weight;
        Set(eye(_conv.out_channels, dtype: weight.dtype, device: weight.device).reshape(weight.shape), zeros_like(_conv.bias!));
    }

    private void Set(Tensor weight, Tensor bias)
    {
        using var off = no_grad();
        _conv.weight.copy_(weight);
        _conv.bias!.copy_(bias);
    }
}
