using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>State dicts under the names of the benchmark of Madsen and Johansen 2020 (<c>stable-nalu</c>).</summary>
public static partial class NaluStateNames
{
    /// <summary>The state dict under this library's names: <c>nac_add.W_hat</c> becomes <c>nac.W_hat</c>, <c>G_add</c> becomes <c>G</c>,
    /// and
    /// <c>layer_1.</c> becomes <c>model.0.</c>; what else there is keeps its name.</summary>
    /// <param name="state">Tensors by their names there.</param>
    /// <returns>A new dictionary of the same tensors.</returns>
    public static Dictionary<string, Tensor> FromBenchmark(IEnumerable<KeyValuePair<string, Tensor>> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.ToDictionary(e => Name(e.Key), e => e.Value);
    }

    private static string Name(string name)
    {
        name = Layer().Replace(name, m =>
            string.Create(CultureInfo.InvariantCulture, $"model.{int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) - 1}."));
        return Part().Replace(name, "$1");
    }

    [GeneratedRegex(@"^layer_(\d+)\.")]
    private static partial Regex Layer();

    [GeneratedRegex(@"(?<=^|\.)(nac|G)_add(?=\.|$)")]
    private static partial Regex Part();
}
