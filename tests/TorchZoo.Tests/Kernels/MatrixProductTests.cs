using CsCheck;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

[Category("Property")]
public sealed unsafe class MatrixProductTests
{
    private static readonly Gen<(int M, int N, int K, bool Single, bool Transposed, bool Accumulate)> Cases =
        Gen.Select(Gen.Int[0, 20], Gen.OneOf(Gen.Int[0, 12], Gen.Int[60, 150]), Gen.Int[0, 40], Gen.Bool, Gen.Bool, Gen.Bool);

    private static double Distance(Tensor a, Tensor b) => a.numel() == 0 ? 0 : (a - b).abs().max().to(ScalarType.Float64).item<double>();

    [Test]
    public void MultiplyIsTheProduct() => Cases.Sample((m, n, k, single, transposed, accumulate) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)(m + 100 * n));
        var type = single ? ScalarType.Float32 : ScalarType.Float64;
        Tensor a = randn(transposed ? [k, m] : [m, k], type, generator: generator), b = randn([k, n], type, generator: generator),
            c = randn([m, n], type, generator: generator);
        var expected = (transposed ? a.t() : a).mm(b) + (accumulate ? c : zeros_like(c));
        var (row, column) = transposed ? (1L, (long)m) : (k, 1);
        if (single)
            MatrixProduct.Multiply(m, n, k, Pointer<float>(a), row, column, Pointer<float>(b), Pointer<float>(c), accumulate);
        else
            MatrixProduct.Multiply(m, n, k, Pointer<double>(a), row, column, Pointer<double>(b), Pointer<double>(c), accumulate);
        Assert.That(Distance(c, expected), Is.LessThan(single ? 3e-5 : 1e-13));
    }, iter: 400, threads: 1);

    [Test]
    public void MultiplyRowsIsTheProductWithTheTranspose() => Cases.Sample((m, n, k, single, _, _) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)(m + 100 * n));
        var type = single ? ScalarType.Float32 : ScalarType.Float64;
        Tensor a = randn([m, k], type, generator: generator), b = randn([n, k], type, generator: generator), c = empty([m, n], type);
        if (single) MatrixProduct.MultiplyRows(m, n, k, Pointer<float>(a), Pointer<float>(b), Pointer<float>(c));
        else MatrixProduct.MultiplyRows(m, n, k, Pointer<double>(a), Pointer<double>(b), Pointer<double>(c));
        Assert.That(Distance(c, a.mm(b.t())), Is.LessThan(single ? 3e-5 : 1e-13));
    }, iter: 200, threads: 1);

    private static T* Pointer<T>(Tensor tensor) where T : unmanaged => (T*)TensorMemory.Pointer(tensor);
}
