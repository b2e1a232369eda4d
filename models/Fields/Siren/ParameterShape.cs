using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Name and shape of a parameter that a hypernetwork makes.</summary>
/// <param name="Name">Name in the state dict of the network it is for.</param>
/// <param name="Shape">Shape.</param>
public sealed record ParameterShape(string Name, IReadOnlyList<long> Shape)
{
    /// <summary>A module's parameters, in the state dict's order.</summary>
    public static IReadOnlyList<ParameterShape> Of(nn.Module module) =>
        [.. module.named_parameters().Select(p => new ParameterShape(p.name, p.parameter.shape))];
}
