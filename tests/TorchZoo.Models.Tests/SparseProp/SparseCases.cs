using NUnit.Framework;
using TorchZoo.Models.Compression;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>What the tests of sparse layers share.</summary>
internal static class SparseCases
{
    public static Generator Random(int seed = 1) => new((ulong)seed);

    public static Tensor Weight(Generator generator, ScalarType dtype, double sparsity, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return (randn(shape, dtype, generator: generator) * rand(shape, generator: generator).ge(sparsity)).MoveToOuterDisposeScope();
    }

    /// <summary>Output and gradients of a sparse layer, and of the dense one in float64, for the same input and output gradient.</summary>
    public static void EqualsDense(SparseLayer sparse, Func<Tensor, Tensor, Tensor?, Tensor> dense, Tensor input, Generator generator, int terms)
    {
        using var scope = NewDisposeScope();
        sparse.zero_grad();
        var x = input.detach().clone().requires_grad_();
        var y = sparse.call(x);
        var byOutput = randn(y.shape, y.dtype, generator: generator);
        y.backward([byOutput]);

        Tensor Exact(Tensor t) => t.detach().to(ScalarType.Float64).requires_grad_();
        Tensor x64 = Exact(input), w64 = Exact(sparse.DenseWeight());
        var b64 = sparse.StoredBias is { } bias ? Exact(bias) : null;
        var y64 = dense(x64, w64, b64);
        y64.backward([byOutput.to(ScalarType.Float64)]);

        var isDouble = y.dtype == ScalarType.Float64;
        Close(y, y64, terms, "output");
        Close(x.grad!, x64.grad!, terms, "input's gradient");
        Close(sparse.StoredWeight.grad!, w64.grad!.reshape(-1).index_select(0, sparse.StoredIndices()), (int)(byOutput.numel() / sparse.DenseShape[0]),
            "weight's gradient");
        if (b64 is not null) Close(sparse.StoredBias!.grad!, b64.grad!, (int)(byOutput.numel() / sparse.DenseShape[0]), "bias's gradient");

        void Close(Tensor ours, Tensor exact, int count, string what)
        {
            Assert.That(ours.shape, Is.EqualTo(exact.shape), what);
            if (exact.numel() == 0) return;
            var error = ((ours.to(ScalarType.Float64) - exact).abs().max() / (exact.abs().max() + 1e-300)).item<double>();
            Assert.That(error, Is.LessThanOrEqualTo((isDouble ? 1e-14 : 2e-6) * Math.Sqrt(Math.Max(1, count))), what);
        }
    }

    /// <summary>The bits of output and gradients with so many threads.</summary>
    public static byte[] Bits(SparseLayer layer, Tensor input, Tensor byOutput, int threads)
    {
        var before = get_num_threads();
        try
        {
            set_num_threads(threads);
            using var scope = NewDisposeScope();
            var x = input.detach().clone().requires_grad_();
            layer.zero_grad();
            var y = layer.call(x);
            y.backward([byOutput]);
            return [.. new[] { y, x.grad!, layer.StoredWeight.grad!, layer.StoredBias!.grad! }.SelectMany(t => t.detach().cpu().bytes.ToArray())];
        }
        finally { set_num_threads(before); }
    }
}
