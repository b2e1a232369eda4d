using NUnit.Framework;
using TorchZoo.Kernels.Attention;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>Attention over ranges on a GPU's raw memory against torch operations on the CPU.</summary>
public sealed class CudaRangeAttentionTests
{
    [Test]
    public void EveryTypeAndWidthIsAnInstance()
    {
        var instances = CudaSource.Embedded(typeof(RangeAttention).Assembly, "range_attention.cu").Instances;
        foreach (var kernel in new[] { "forward", "by_queries", "by_keys" })
            foreach (var type in new[] { "float", "double" })
                foreach (var width in new[] { 64, 128 }) Assert.That(instances, Has.Member($"{kernel}<{type},{width}>"));
    }

    // A band, residue classes, and a rectangle whose first queries see nothing; two plans in turns over three heads.
    [Test, Category("Cuda")]
    public void ItIsTheComposedForm([Values(5, 40, 64, 100)] int width)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        const int Batch = 2, Heads = 3, N = 173, L = 40;
        int[] all = [.. Enumerable.Range(0, N)], columns = [.. all.Where(i => i % L >= L - 3)];
        RangePlan[] plans =
        [
            new(new RangePart([RangeGroup.Band(all, L)]),
                new RangePart([.. all.GroupBy(i => i % L).Select(column => RangeGroup.Triangle([.. column], diagonal: false))])),
            new(new RangePart([new RangeGroup(all, columns, new int[N], [.. all.Select(i => columns.Count(c => c <= i))])])),
        ];
        RangePlan[] heads = [plans[0], plans[1], plans[0]];
        var sizes = new CudaRangeAttention.Sizes(ScalarType.Float64, Batch, Heads, N, width, width, 0.3);
        Tensor Random() => randn([Batch, Heads, N, width], ScalarType.Float64, generator: random).requires_grad_();
        Tensor[] x = [Random(), Random(), Random()];
        var expected = RangeAttention.Composed(x[0], x[1], x[2], heads, 0.3);
        var cotangent = randn(expected.shape, ScalarType.Float64, generator: random);
        expected.backward([cotangent]);

        var device = Cuda.Device;
        var stream = new CudaStream(device, 0);
        var buffers = new List<IDisposable>();
        CudaBuffer<T> On<T>(T[] values) where T : unmanaged
        {
            var buffer = new CudaBuffer<T>(device, values);
            buffers.Add(buffer);
            return buffer;
        }
        double[] Filled(long count, double value) => [.. Enumerable.Repeat(value, (int)count)];
        CudaBuffer<double> Copy(Tensor tensor) => On(tensor.detach().data<double>().ToArray());
        CudaBuffer<double> q = Copy(x[0]), k = Copy(x[1]), v = Copy(x[2]),
            output = On(Filled(expected.numel(), 0)), largest = On(Filled(Batch * Heads * N, double.NegativeInfinity)),
            sums = On(Filled(Batch * Heads * N, 0));
        var parts = plans.SelectMany((plan, p) => plan.Parts.Select(part =>
            (Lists: CudaRangeAttention.Lists.Of(part, list => On(list)), Heads: On<int>(p == 0 ? [0, 2] : [1]), Count: 2 - p))).ToList();
        foreach (var (lists, numbers, count) in parts)
            CudaRangeAttention.Forward(stream, sizes, lists, numbers, count, q, k, v, output, largest, sums);
        double[] raw = output.ToArray(), most = largest.ToArray(), total = sums.ToArray();
        double[] divided = [.. raw.Select((o, i) => o / (total[i / width] == 0 ? 1 : total[i / width]))],
            logSums = [.. most.Zip(total, (m, s) => m + Math.Log(s == 0 ? 1 : s))],
            g = cotangent.data<double>().ToArray(),
            deltas = [.. Enumerable.Range(0, total.Length).Select(i => Enumerable.Range(i * width, width).Sum(j => divided[j] * g[j]))];
        CudaBuffer<double> byOutput = On(g), logs = On(logSums), delta = On(deltas), byQ = On(Filled(raw.Length, 0)),
            byK = On(Filled(raw.Length, 0)), byV = On(Filled(raw.Length, 0));
        foreach (var (lists, numbers, count) in parts)
            CudaRangeAttention.Backward(stream, sizes, lists, numbers, count, q, k, v, byOutput, logs, delta, byQ, byK, byV);
        Assert.Multiple(() =>
        {
            Assert.That(divided, Is.EqualTo(expected.detach().data<double>().ToArray()).Within(1e-11));
            Assert.That(byQ.ToArray(), Is.EqualTo(x[0].grad!.data<double>().ToArray()).Within(1e-10));
            Assert.That(byK.ToArray(), Is.EqualTo(x[1].grad!.data<double>().ToArray()).Within(1e-10));
            Assert.That(byV.ToArray(), Is.EqualTo(x[2].grad!.data<double>().ToArray()).Within(1e-10));
        });
        buffers.ForEach(b => b.Dispose());
    }
}
