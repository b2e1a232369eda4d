using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>State dicts under the names of the authors' code.</summary>
public static partial class QuadraticStateNames
{
    /// <summary>The state dict under this library's names: <c>conv1r.weight</c> becomes <c>conv1.r.weight</c>; what else there
    /// is keeps its name.</summary>
    /// <param name="state">Tensors by their names there.</param>
    /// <returns>A new dictionary of the same tensors.</returns>
    public static Dictionary<string, Tensor> FromReference(IEnumerable<KeyValuePair<string, Tensor>> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.ToDictionary(e => Part().Replace(e.Key, "$1.$2."), e => e.Value);
    }

    [GeneratedRegex(@"(?<=^|\.)(\w*\d)([rgb])\.(?=weight$|bias$)")]
    private static partial Regex Part();
}
