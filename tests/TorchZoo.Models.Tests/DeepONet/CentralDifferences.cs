using NUnit.Framework;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>Derivatives by central differences in float64, the oracle for automatic ones.</summary>
internal static class CentralDifferences
{
    /// <summary>Checks the gradient of a scalar with respect to every entry of some leaves.</summary>
    public static void Check(Func<Tensor> scalar, IEnumerable<Tensor> leaves, double tolerance = 1e-6, double step = 1e-5)
    {
        Tensor[] all = [.. leaves];
        foreach (var leaf in all) leaf.grad = null;
        scalar().backward();
        foreach (var leaf in all)
        {
            using var flat = leaf.detach().view(-1);
            var found = leaf.grad is { } g ? g.reshape(-1).data<double>().ToArray() : new double[flat.numel()];
            for (var i = 0L; i < flat.numel(); i++)
            {
                var x = flat[i].item<double>();
                var expected = (At(flat, i, x + step, scalar) - At(flat, i, x - step, scalar)) / (2 * step);
                flat[i] = x;
                Assert.That(found[i], Is.EqualTo(expected).Within(tolerance), $"entry {i} of ({string.Join(", ", leaf.shape)})");
            }
        }
    }

    // What is computed may itself differentiate by a leaf, so gradients stay on.
    private static double At(Tensor flat, long index, double value, Func<Tensor> scalar)
    {
        using var scope = NewDisposeScope();
        flat[index] = value;
        return scalar().item<double>();
    }
}
