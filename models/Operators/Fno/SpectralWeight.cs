using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The weights W of a spectral convolution: a complex number for each kept mode, input and output channel. They are stored as real pairs
/// with the modes first (optimizers then treat both parts alike, and the product over channels needs no transposition); the state dict
/// shows the reference's complex tensor with the channels first.
/// </summary>
internal abstract class SpectralWeight(string name) : Module(name), IHasStateViews
{
    public abstract IEnumerable<StateView> StateViews { get; }

    /// <summary>Complex (m1, …, mN, in, out), or (m1, …, mN, channels) if separable.</summary>
    public abstract Tensor Modes();

    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);

    /// <summary>A parameter whose real and imaginary parts are normal; <paramref name="std"/> is that of the complex number.</summary>
    protected static Parameter Normal(double std, params long[] shape) => Parameter(randn([.. shape, 2]) * (std / Math.Sqrt(2)));

    protected static StateView Complex(string name, string key, params long[] permutation) => new(name, key, stored =>
        permutation.Length == 0 ? stored.view_as_complex() : stored.view_as_complex().permute(permutation));
}

/// <summary>All entries are parameters.</summary>
internal sealed class DenseSpectralWeight : SpectralWeight
{
    [ComponentName(Name = "tensor")]
    private readonly Parameter _tensor;
    private readonly int _axes;
    private readonly bool _separable;

    public DenseSpectralWeight(long[] modes, long inChannels, long outChannels, bool separable, double std) : base(nameof(DenseSpectralWeight))
    {
        (_axes, _separable) = (modes.Length, separable);
        _tensor = Normal(std, separable ? [.. modes, inChannels] : [.. modes, inChannels, outChannels]);
        RegisterComponents();
    }

    public override IEnumerable<StateView> StateViews
    {
        get
        {
            var channels = _separable ? 1 : 2;
            yield return Complex("tensor", "tensor", [.. Enumerable.Range(0, channels + _axes).Select(i => (long)((i + _axes) % (channels + _axes)))]);
        }
    }

    public override Tensor Modes() => _tensor.view_as_complex();
}
