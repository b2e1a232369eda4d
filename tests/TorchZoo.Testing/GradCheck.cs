using NUnit.Framework;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Testing;

/// <summary>Compares gradients with central differences in float64.</summary>
public static class GradCheck
{
    /// <summary>Checks the gradients by all inputs of a random weighting of all outputs.</summary>
    /// <param name="function">From inputs to outputs; smooth where it is asked.</param>
    /// <param name="inputs">Float64 ones are checked, others and null are left alone. Few elements: each costs two calls.</param>
    /// <param name="secondOrder">Check gradients of gradients as well.</param>
    /// <param name="step">Half the distance of the differences.</param>
    /// <param name="tolerance">Allowed error, relative to 1 plus the largest difference quotient.</param>
    public static void Run(Func<Tensor?[], IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor?> inputs, bool secondOrder = false,
        double step = 1e-5, double tolerance = 1e-7)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor?[] given = [.. inputs.Select(x => x is null || x.dtype != ScalarType.Float64 ? x : x.detach().clone().requires_grad_())];
        var weights = new List<Tensor>();
        Check(x => Weighted(function(x)), "gradient");
        if (!secondOrder) return;
        var slopes = new List<Tensor>();
        Check(x =>
        {
            using var on = enable_grad();
            var found = Gradients(Weighted(function(x)), x, true);
            BackwardPass.ThrowIfFailed();
            return found.Select((g, i) => g is null ? null : (g * Weight(slopes, i, g)).sum()).OfType<Tensor>()
                .Aggregate(zeros([], ScalarType.Float64), (a, b) => a + b);
        }, "second-order gradient");

        Tensor Weighted(IReadOnlyList<Tensor> outputs) => outputs.Select((y, i) => (y * Weight(weights, i, y)).sum()).Aggregate((a, b) =>
            a + b);

        // The same at each call.
        Tensor Weight(List<Tensor> list, int index, Tensor like)
        {
            while (list.Count <= index) list.Add(randn(like.shape, ScalarType.Float64, generator: generator).DetachFromDisposeScope());
            return list[index];
        }

        void Check(Func<Tensor?[], Tensor> loss, string what)
        {
            var gradients = Gradients(loss(given), given, false);
            BackwardPass.ThrowIfFailed();
            for (var i = 0; i < given.Length; i++)
            {
                if (given[i] is not { requires_grad: true } x) continue;
                var expected = Differences(loss, x);
                var computed = gradients[i] ?? zeros_like(x);
                if (x.numel() == 0) continue;
                var error = ((computed - expected).abs().max() / (1 + expected.abs().max())).item<double>();
                Assert.That(error, Is.LessThan(tolerance), $"{what} by input {i}");
            }
        }

        Tensor Differences(Func<Tensor?[], Tensor> loss, Tensor x)
        {
            // The loss of a gradient needs the graph, the leaf itself must change without one.
            var data = x.detach().view(-1);
            var result = zeros(x.numel(), ScalarType.Float64);
            for (var j = 0L; j < x.numel(); j++)
            {
                using var inner = NewDisposeScope();
                var value = data[j].item<double>();
                var (up, down) = (At(value + step), At(value - step));
                data[j] = value;
                result[j] = (up - down) / (2 * step);

                double At(double moved)
                {
                    data[j] = moved;
                    return loss(given).item<double>();
                }
            }
            return result.view(x.shape);
        }
    }

    /// <summary>Checks the gradients by all parameters of a module, of a random weighting of an output.</summary>
    /// <param name="module">The module, in float64; few weights: each costs two calls.</param>
    /// <param name="output">Calls it.</param>
    /// <param name="step">Half the distance of the differences.</param>
    /// <param name="tolerance">Allowed error, relative to 1 plus the largest difference quotient.</param>
    public static void Parameters(nn.Module module, Func<Tensor> output, double step = 1e-5, double tolerance = 1e-7)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var first = output();
        var weights = randn(first.shape, ScalarType.Float64, generator: generator);
        var gradients = autograd.grad([(first * weights).sum()], [.. module.parameters()]);
        BackwardPass.ThrowIfFailed();
        foreach (var ((name, parameter), gradient) in module.named_parameters().Zip(gradients))
        {
            using var off = no_grad();
            var data = parameter.detach().view(-1);
            var differences = zeros_like(data);
            for (var j = 0L; j < data.numel(); j++)
            {
                using var inner = NewDisposeScope();
                var value = data[j].item<double>();
                double At(double moved)
                {
                    data[j] = moved;
                    return (output() * weights).sum().item<double>();
                }
                differences[j] = (At(value + step) - At(value - step)) / (2 * step);
                data[j] = value;
            }
            var error = ((gradient.view(-1) - differences).abs().max() / (1 + differences.abs().max())).item<double>();
            Assert.That(error, Is.LessThan(tolerance), $"gradient by {name}");
        }
    }

    private static Tensor?[] Gradients(Tensor loss, Tensor?[] inputs, bool recorded)
    {
        var wanted = Enumerable.Range(0, inputs.Length).Where(i => inputs[i] is { requires_grad: true }).ToList();
        var result = new Tensor?[inputs.Length];
        if (!loss.requires_grad) return result;
        var found = autograd.grad([loss], [.. wanted.Select(i => inputs[i]!)], null, retain_graph: recorded,
            create_graph: recorded, allow_unused: true);
        foreach (var (i, gradient) in wanted.Zip(found)) result[i] = gradient.IsInvalid ? null : gradient;
        return result;
    }
}
