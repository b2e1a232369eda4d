using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// From a latent vector to a field's parameters: one ReLU network for each parameter tensor. (batch, latent) → for each name a tensor
/// (batch, …shape), as <see cref="Siren.ForwardWith"/> takes them.
/// </summary>
/// <remarks>State names <c>nets.{i}.net.{layer}.0.weight</c>, … in the order of the field's parameters. The last layers start so that the
/// parameters lie near the usual uniform distribution whatever the latent vector is. Source: Sitzmann et al. 2020, section 4.4 and
/// supplement 7.</remarks>
public sealed class SirenHyperNetwork : Module<Tensor, IReadOnlyDictionary<string, Tensor>>
{
    [ComponentName(Name = "nets")]
    private readonly ModuleList<FieldMlp> _nets = [];

    /// <summary>A hypernetwork with fresh weights.</summary>
    /// <param name="hypo">The parameters to make; those whose last name is <c>weight</c> are matrices (out, in).</param>
    /// <param name="latent">Length of the latent vector.</param>
    /// <param name="hiddenLayers">Layers hidden → hidden of each network, ≥ 0; there is one before and one after them.</param>
    /// <param name="hiddenFeatures">Their width.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number is out of range, or there is no parameter to make.</exception>
    public SirenHyperNetwork(
        IReadOnlyList<ParameterShape> hypo, long latent, int hiddenLayers = 1, long hiddenFeatures = 256, Generator? generator = null)
        : base(nameof(SirenHyperNetwork))
    {
        ArgumentNullException.ThrowIfNull(hypo);
        if (hypo.Count == 0 || hypo.Any(p => p.Shape.Count == 0 || p.Shape.Any(s => s < 1)))
            throw new ArgumentException("Expected at least one parameter, each with one axis or more and none of them empty", nameof(hypo));
        (Hypo, Latent) = ([.. hypo], latent);
        foreach (var parameter in hypo)
        {
            var numbers = parameter.Shape.Aggregate(1L, (a, b) => a * b);
            var net = new FieldMlp(latent, numbers, hiddenLayers, hiddenFeatures, generator: generator);
            var last = net.Layers[^1];
            FieldInitialization.Normal(last.Weight, Math.Sqrt(2.0 / hiddenFeatures) / 100, generator);
            // The last layer's bias is what the field's parameter is drawn from.
            var isWeight = parameter.Name.Split('.')[^1] == "weight";
            FieldInitialization.Uniform(last.Bias!, 1.0 / (isWeight ? parameter.Shape[^1] : hiddenFeatures), generator);
            _nets.Add(net);
        }
        RegisterComponents();
    }

    /// <summary>The parameters that are made.</summary>
    public IReadOnlyList<ParameterShape> Hypo { get; }

    /// <summary>Length of the latent vector.</summary>
    public long Latent { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Not (batch, latent).</exception>
    public override IReadOnlyDictionary<string, Tensor> forward(Tensor z)
    {
        Require.LastAxis(z, Latent, nameof(z));
        if (z.dim() != 2) throw new ArgumentException($"Expected (batch, {Latent}), got ({Require.Text(z)})", nameof(z));
        return Hypo.Zip(_nets).ToDictionary(p => p.First.Name, p =>
        {
            using var flat = p.Second.forward(z);
            return flat.reshape([z.shape[0], .. p.First.Shape]);
        });
    }
}
