using TorchZoo.Models.Fields;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Value, gradient and second-order derivatives of a tanh network in one forward pass, so that the comparison with <see cref="Siren.Jet"/>
/// is not one with double backward.
/// </summary>
internal static class TanhJet
{
    /// <summary>The jet; differentiable by the network's parameters.</summary>
    /// <param name="network">A <see cref="CoordinateMlp"/> with tanh and nothing before its first layer.</param>
    /// <param name="coords">(n, d)</param>
    /// <param name="operators">The weights s of each operator Σ_i s_i ∂²/∂x_i².</param>
    public static FieldJet Compute(CoordinateMlp network, Tensor coords, double[][] operators)
    {
        if (network.Config is not { Type: "tanh", Mode: "mlp" })
            throw new ArgumentException("Expected a plain tanh network", nameof(network));
        using var scope = NewDisposeScope();
        var (n, d) = (coords.shape[0], (int)coords.shape[1]);
        var weights = network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        var last = network.Config.NumHiddenLayers + 1;
        // One row of matrices for the value, one for each derivative: (1 + d + m, n, width).
        var identity = eye(d, dtype: coords.dtype, device: coords.device).unsqueeze(1).expand(d, n, d);
        var rows = cat([coords.unsqueeze(0), identity, zeros(operators.Length, n, d, dtype: coords.dtype, device: coords.device)]);
        for (var layer = 0; layer <= last; layer++)
        {
            rows = rows.matmul(weights[$"net.net.{layer}.0.weight"].t());
            var value = rows[0] + weights[$"net.net.{layer}.0.bias"];
            var first = rows.narrow(0, 1, d);
            var second = rows.narrow(0, 1 + d, operators.Length);
            if (layer < last)
            {
                value = value.tanh();
                var slope = 1 - value.square();
                // f'' = −2 f f'
                var squares = first.square();
                var sums = stack(operators.Select(s => s.Select((w, i) => (w, i)).Where(p => p.w != 0)
                    .Select(p => squares[p.i] * p.w).Aggregate((a, b) => a + b)));
                second = slope * (second - 2 * value * sums);
                first = slope * first;
            }
            rows = cat([value.unsqueeze(0), first, second]);
        }
        return new FieldJet(rows[0].MoveToOuterDisposeScope(),
            rows.narrow(0, 1, d).permute(1, 2, 0).MoveToOuterDisposeScope(),
            rows.narrow(0, 1 + d, operators.Length).permute(1, 2, 0).MoveToOuterDisposeScope());
    }
}
