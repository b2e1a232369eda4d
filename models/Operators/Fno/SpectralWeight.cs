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
    public static Parameter Normal(double std, params long[] shape) => Parameter(randn([.. shape, 2]) * (std / Math.Sqrt(2)));

    public static StateView Complex(string name, string key, params long[] permutation) => new(name, key, stored =>
        permutation.Length == 0 ? stored.view_as_complex() : stored.view_as_complex().permute(permutation));
}

/// <summary>All entries are parameters.</summary>
internal sealed class DenseSpectralWeight : SpectralWeight
{
    [ComponentName(Name = "tensor")]
    private readonly Parameter _tensor;
    private readonly int _channels;

    public DenseSpectralWeight(long[] shape, int channels, double std) : base(nameof(DenseSpectralWeight))
    {
        _channels = channels;
        _tensor = Normal(std, [.. shape[channels..], .. shape[..channels]]);
        RegisterComponents();
    }

    public override IEnumerable<StateView> StateViews
    {
        get
        {
            var order = (int)_tensor.dim() - 1;
            yield return Complex("tensor", "tensor", [.. Enumerable.Range(0, order).Select(i => (long)((i + order - _channels) % order))]);
        }
    }

    public override Tensor Modes() => _tensor.view_as_complex();
}
