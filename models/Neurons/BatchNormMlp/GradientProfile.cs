using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Modules = TorchSharp.Modules;

namespace TorchZoo.Models.Neurons;

/// <summary>Gradients and isometry gaps by depth, of any network of linear layers.</summary>
/// <remarks>Source: Meterez et al. 2023, section 4.</remarks>
public static class GradientProfile
{
    /// <summary>One forward and backward pass. The network's mode is left as it is, its parameters' gradients are neither read nor
    /// written.</summary>
    /// <param name="network">A network whose linear layers run one after the other, each once. What follows a layer are modules without
    /// modules in them: normalisations (<see cref="RowNormalization"/> and the framework's) and others, the last of which counts as its
    /// activation.</param>
    /// <param name="x">Inputs.</param>
    /// <param name="y">Targets.</param>
    /// <param name="loss">From outputs and targets to a number.</param>
    /// <returns>The layers in the order they ran in. Gaps are of all leading axes as rows.</returns>
    /// <exception cref="ArgumentException">The network ran no linear layer, or one twice.</exception>
    public static IReadOnlyList<LayerProfile> Measure(Module<Tensor, Tensor> network, Tensor x, Tensor y, Func<Tensor, Tensor, Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(loss);
        using var scope = NewDisposeScope();
        using var on = enable_grad();
        var layers = new List<Layer>();
        // Hooks see only modules: this is why normalisation and activation are ones.
        var hooks = network.named_modules().Where(m => !m.module.children().Any() && m.module is Module<Tensor, Tensor>)
            .Select(m => Watch((Module<Tensor, Tensor>)m.module, m.name)).ToList();
        Tensor value;
        try
        {
            value = loss(network.call(x), y);
        }
        finally
        {
            foreach (var hook in hooks) hook();
        }
        if (layers.Count == 0) throw new ArgumentException("Expected a network with linear layers", nameof(network));
        if (layers.DistinctBy(l => l.Name).Count() != layers.Count)
            throw new ArgumentException("Expected that every linear layer runs once", nameof(network));
        var gradients = autograd.grad([value], [.. layers.Select(l => l.Weight)]);
        return [.. layers.Zip(gradients, (l, g) => new LayerProfile(l.Name, g.to(ScalarType.Float64).norm().item<double>(),
            IsometryGap.Of(l.Weight.shape[0] <= l.Weight.shape[1] ? l.Weight : l.Weight.t()), l.Linear, l.Norm, l.Activation))];

        Action Watch(Module<Tensor, Tensor> module, string name)
        {
            var hook = module.register_forward_hook((_, _, output) =>
            {
                var gap = output.dim() > 1 ? IsometryGap.Of(output.flatten(0, -2)) : double.PositiveInfinity;
                if (module is Modules.Linear linear) layers.Add(new Layer(name, linear.weight, gap));
                else if (layers.Count == 0) return output;
                else if (module is RowNormalization or Modules.BatchNorm1d or Modules.LayerNorm) layers[^1].Norm = gap;
                else layers[^1].Activation = gap;
                return output;
            });
            return hook.remove;
        }
    }

    private sealed record Layer(string Name, Tensor Weight, double Linear)
    {
        public double? Norm { get; set; }

        public double? Activation { get; set; }
    }
}
