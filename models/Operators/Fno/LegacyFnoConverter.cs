using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>Weights of the paper's scripts in the layout of <see cref="SpectralConv"/>.</summary>
public static partial class LegacyFnoConverter
{
    /// <summary>
    /// Converts the spectral weights of a state dict: <c>p.weights1</c>, <c>p.weights2</c>, … (in, out, m1, …, mN, complex or with a last
    /// axis
    /// of 2) become <c>p.weight.tensor</c>, complex (in, out, 2·m1, …, mN). The layer that takes it has nModes = (2·m1, …, 2·(mN − 1)). No
    /// rescaling is needed: the scripts' "ortho" transforms cancel like ours. Everything else is passed on as it is.
    /// </summary>
    /// <returns>A new dictionary; its spectral weights are new tensors, the others are the given ones.</returns>
    /// <exception cref="ArgumentException">The weights of a layer are incomplete or don't match.</exception>
    public static Dictionary<string, Tensor> FromIclr(IDictionary<string, Tensor> state)
    {
        using var off = no_grad();
        var result = new Dictionary<string, Tensor>();
        foreach (var (key, value) in state)
        {
            if (Weights().Match(key) is not { Success: true } match)
            {
                result.Add(key, value);
                continue;
            }
            var prefix = match.Groups["prefix"].Value;
            if (match.Groups["number"].Value != "1") continue;
            using var scope = NewDisposeScope();
            var first = AsComplex(value);
            var count = 1 << (int)(first.dim() - 3);
            var parts = new Tensor[count];
            for (var i = 0; i < count; i++)
            {
                if (!state.TryGetValue($"{prefix}weights{i + 1}", out var part))
                    throw new ArgumentException(
                        $"{prefix}weights1 has {first.dim() - 2} axes, so there should be a {prefix}weights{i + 1}", nameof(state));
                parts[i] = AsComplex(part);
                if (!parts[i].shape.SequenceEqual(first.shape))
                    throw new ArgumentException($"{prefix}weights{i + 1} has another shape than {prefix}weights1", nameof(state));
            }
            result.Add(prefix + "weight.tensor", Join(parts).contiguous().MoveToOuterDisposeScope());
        }
        return result;
    }

    /// <summary>(in, out, m1, …) for each combination of signs → (in, out, 2·m1, …), negative frequencies first.</summary>
    internal static Tensor Join(Tensor[] parts)
    {
        for (var axis = 0; parts.Length > 1; axis++)
            parts = [.. parts.Chunk(2).Select(pair => cat([pair[1], pair[0]], axis + 2))];
        return parts[0];
    }

    // Real pairs if the axes say so: the modes' axes never outnumber the tensor's by the pair.
    private static Tensor AsComplex(Tensor t) =>
        t.is_complex() ? t.alias()
        : t.dim() >= 4 && t.shape[^1] == 2 ? t.contiguous().view_as_complex()
        : throw new ArgumentException(
            $"Expected complex weights or real pairs (…, 2), got {t.dtype} [{string.Join(", ", t.shape)}]", "state");

    [GeneratedRegex(@"^(?<prefix>(.*\.)?)weights(?<number>\d+)$")]
    private static partial Regex Weights();
}
