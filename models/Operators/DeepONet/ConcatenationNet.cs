using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The paper's baseline: one fully connected network on the concatenation of input function and query point.
/// u (batch, m), y (batch, d) → (batch, outputs).
/// </summary>
[Model("deeponet-concatenation-baseline")]
public sealed class ConcatenationNet : Module<Tensor, Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "net")]
    private readonly FullyConnectedNet _net;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">The network on m + d inputs.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public ConcatenationNet(FullyConnectedNetConfig config) : base(nameof(ConcatenationNet))
    {
        _net = new FullyConnectedNet(config);
        RegisterComponents();
    }

    object IConfigured.Config => _net.Config;

    /// <inheritdoc/>
    /// <param name="u">Values of the input functions, (batch, m).</param>
    /// <param name="y">A query point for each, (batch, d).</param>
    /// <exception cref="ArgumentException">The numbers of functions and points differ, or m + d isn't the network's width.</exception>
    public override Tensor forward(Tensor u, Tensor y)
    {
        if (u.dim() != 2 || y.dim() != 2 || u.shape[0] != y.shape[0])
            throw new ArgumentException(
                $"Expected (batch, m) and (batch, d), got ({string.Join(", ", u.shape)}) and ({string.Join(", ", y.shape)})", nameof(y));
        using var both = cat([u, y], 1);
        return _net.forward(both);
    }
}
