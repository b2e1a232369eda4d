using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>How well units of a layer can be told from the others, by variance inflation factors: 1 / (1 − R²) of a unit's regression on
/// all others of its layer.</summary>
/// <remarks>Source: Cheng et al. 2018, section 7 (multicollinearity of layers).</remarks>
public static class LayerCollinearity
{
    // Caps the factor of a unit that is a combination of others near 10⁸.
    private const double Ridge = 1e-8;
    private const double Constant = 1e-6;

    /// <summary>The factors of the hidden layers and of the outputs.</summary>
    /// <param name="network">A network of linear layers; what each but the first takes are the activations.</param>
    /// <param name="x">Inputs, more than the widest layer has units.</param>
    /// <returns>A report a hidden layer, in the order they ran in, and one of the outputs.</returns>
    /// <exception cref="ArgumentException">The network ran fewer than two linear layers, or there are fewer than two examples.</exception>
    public static IReadOnlyList<LayerCollinearityReport> Of(Module<Tensor, Tensor> network, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(x);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var taken = new List<(string Name, Tensor Activations)>();
        var hooks = network.named_modules().Where(m => m.module is TorchSharp.Modules.Linear).Select(m =>
            ((TorchSharp.Modules.Linear)m.module).register_forward_pre_hook((_, input) =>
            {
                taken.Add((m.name, input.alias()));
                return input;
            })).ToList();
        Tensor outputs;
        try
        {
            outputs = network.call(x);
        }
        finally
        {
            foreach (var hook in hooks) hook.remove();
        }
        if (taken.Count < 2) throw new ArgumentException("Expected a network of two linear layers at least", nameof(network));
        return [.. taken.Skip(1).Append((Name: "output", Activations: outputs)).Select(t =>
            Report(t.Name, Factors(t.Activations.flatten(0, -2))))];
    }

    /// <summary>The factors of a matrix's columns.</summary>
    /// <param name="columns">(n ≥ 2, columns)</param>
    /// <returns>A factor for each column that isn't constant, float64.</returns>
    /// <exception cref="ArgumentException">It is no matrix of two rows at least, or has numbers that aren't finite.</exception>
    public static Tensor Factors(Tensor columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.dim() != 2 || columns.shape[0] < 2)
            throw new ArgumentException($"Expected (n ≥ 2, columns), got ({string.Join(", ", columns.shape)})", nameof(columns));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = columns.to(ScalarType.Float64);
        if (!wide.isfinite().all().item<bool>()) throw new ArgumentException("Expected finite numbers", nameof(columns));
        var std = wide.std(0, unbiased: false);
        var kept = std.ge(Constant).nonzero().squeeze(1);
        if (kept.numel() == 0) return zeros(0, ScalarType.Float64).MoveToOuterDisposeScope();
        var scaled = ((wide - wide.mean([0])) / std).index_select(1, kept);
        var correlation = scaled.t().matmul(scaled) / scaled.shape[0];
        correlation.diagonal().add_(Ridge);
        return linalg.inv(correlation).diagonal().clone().MoveToOuterDisposeScope();
    }

    private static LayerCollinearityReport Report(string name, Tensor factors)
    {
        double[] values = [.. factors.cpu().data<double>().Order()];
        var middle = values.Length / 2;
        return values.Length == 0 ? new(name, 0, 0, double.NaN, double.NaN) : new(name, values.Length,
            values.Count(v => v > 10) / (double)values.Length, values.Average(),
            values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2);
    }
}
