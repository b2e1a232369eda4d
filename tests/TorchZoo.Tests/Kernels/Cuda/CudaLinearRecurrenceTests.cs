using System.Numerics;
using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>Linear recurrences on a GPU against a loop in double precision.</summary>
public sealed class CudaLinearRecurrenceTests
{
    private static Gen<int> One(params int[] of) => Gen.Int[0, of.Length - 1].Select(i => of[i]);

    // One step, whole tiles and ragged ends, chunks of one step, one chunk, more chunks than a block has threads.
    private static readonly Gen<(int Batch, int Time, int Channels, int Chunk, int Size, bool Initial)> Cases = Gen.Select(
        Gen.Int[1, 3], One(1, 2, 7, 8, 9, 64, 301, 1000), Gen.Int[1, 40], One(1, 3, 8, 50, 100_000), Gen.Int[1, 2],
        Gen.Bool);

    [Test, Category("Cuda"), Category("Property")]
    public void IsTheLoopForwardAndBackward() => Sample<float>(ScalarType.Float32, 2e-6);

    [Test, Category("Cuda"), Category("Property")]
    public void IsTheLoopInFloat64() => Sample<double>(ScalarType.Float64, 1e-14);

    // The states are rounded on their way to the gradient by J.
    [Test, Category("Cuda"), Category("Property")]
    public void IsTheLoopInFloat16() => Sample<Half>(ScalarType.Float16, 2e-3);

    [Test, Category("Cuda")]
    public void OfOnesItIsACumulativeSum()
    {
        const int time = 100_000;
        var device = Cuda.Device;
        var plan = CudaRecurrencePlan.For(device, 1, time, 1);
        Assert.That(plan.Chunks, Is.GreaterThan(1));
        double[] ones = [.. Enumerable.Repeat(1.0, time)];
        using CudaBuffer<double> j = new(device, ones), r = new(device, ones), folded = new(device, plan.FoldedNumbers(1));
        CudaLinearRecurrence.Forward(ScalarType.Float64, new(device, 0), plan, 1, j, r, (nint)0, r, folded);
        Assert.That(r.ToArray(), Is.EqualTo(Enumerable.Range(1, time).Select(t => (double)t)));
    }

    [Test, Category("Cuda")]
    public void TensorsOnTheGpu()
    {
        _ = Cuda.Device;
        if (!cuda.is_available()) Assert.Ignore("libtorch here has no CUDA");
        using var scope = NewDisposeScope();
        Tensor j = rand([2, 700, 4 * 3], device: CUDA) / 2, r = randn([2, 700, 2 * 3], device: CUDA), h0 = randn([2, 2 * 3], device: CUDA);
        Tensor once = empty_like(r), again = empty_like(r), gj = empty_like(j), gr = empty_like(r), g0 = empty_like(h0);
        CudaLinearRecurrence.Forward(j, r, h0, once);
        CudaLinearRecurrence.Forward(j, r, h0, again, CudaRecurrencePlan.StepByStep(2, 700, 3));
        Assert.That(once.allclose(again, 1e-5, 1e-5), Is.True);
        CudaLinearRecurrence.Backward(j, once, h0, ones_like(once), null, gr, gj, g0);
        Assert.That(gj.isfinite().all().ToBoolean() && gr.isfinite().all().ToBoolean() && g0.isfinite().all().ToBoolean(), Is.True);
        Assert.That(() => CudaLinearRecurrence.Forward(j, r, h0, once, CudaRecurrencePlan.StepByStep(2, 700, 6)), Throws.ArgumentException);
        Assert.That(() => CudaLinearRecurrence.Forward(j, r.narrow(1, 0, 699), h0, once), Throws.ArgumentException);
        Assert.That(() => CudaLinearRecurrence.Backward(j, null, h0, r, null, gr, gj, g0), Throws.ArgumentException);
    }

    [Test]
    public void TensorsOnACpuAreRefused()
    {
        using var scope = NewDisposeScope();
        var x = zeros(1, 2, 3);
        Assert.That(CudaLinearRecurrence.HasKernel(x), Is.False);
        Assert.That(() => CudaLinearRecurrence.Forward(x, x, null, x), Throws.ArgumentException.With.Message.Contain("cpu"));
        Assert.That(() => CudaLinearRecurrence.Backward(x, null, null, x, null, x, null, null),
            Throws.ArgumentException.With.Message.Contain("cpu"));
    }

    private static void Sample<T>(ScalarType type, double tolerance) where T : unmanaged, INumber<T>
    {
        var device = Cuda.Device;
        var stream = new CudaStream(device, 0);
        Cases.Sample((batch, time, channels, chunk, size, hasInitial) =>
        {
            if (time / chunk * batch * channels > 20_000) channels = 1;
            var random = new Random(time * 1000 + channels);
            var plan = new CudaRecurrencePlan(batch, time, channels, chunk);
            T[] j = Uniform(batch * time * channels * size * size, size == 1 ? 1 : 0.6), r = Uniform(batch * time * channels * size, 1),
                initial = Uniform(batch * channels * size, 1), gradient = Uniform(r.Length, 1), last = Uniform(initial.Length, 1);
            if (!hasInitial) (initial, last) = (new T[initial.Length], new T[initial.Length]);
            var expected = new Reference(plan, size, Doubles(j), Doubles(r), Doubles(initial), Doubles(gradient), Doubles(last));

            using CudaBuffer<T> js = new(device, j), rs = new(device, r), states = new(device, r.Length), gs = new(device, gradient),
                byR = new(device, r.Length), byJ = new(device, j.Length), byInitial = new(device, initial.Length);
            using CudaBuffer<T> initials = new(device, initial), lasts = new(device, last);
            using CudaBuffer<byte> folded = new(device, plan.FoldedNumbers(size) * (type == ScalarType.Float64 ? 8 : 4));
            CudaArgument initialOrNull = hasInitial ? initials : (nint)0, lastOrNull = hasInitial ? lasts : (nint)0;
            CudaLinearRecurrence.Forward(type, stream, plan, size, js, rs, initialOrNull, states, folded);
            CudaLinearRecurrence.Backward(type, stream, plan, size, js, states, initialOrNull, gs, lastOrNull, byR, byJ, byInitial, folded);
            var scale = expected.States.Concat(expected.ByR).Select(Math.Abs).Append(1).Max();
            Compare(states, expected.States, scale, "states");
            Compare(byR, expected.ByR, scale, "by r");
            Compare(byJ, expected.ByJ, scale * scale, "by J");
            Compare(byInitial, expected.ByInitial, scale, "by the initial state");

            // In place, and without what isn't wanted.
            T[] statesBefore = states.ToArray(), byRBefore = byR.ToArray();
            CudaLinearRecurrence.Forward(type, stream, plan, size, js, rs, initialOrNull, rs, folded);
            CudaLinearRecurrence.Backward(type, stream, plan, size, js, (nint)0, (nint)0, gs, lastOrNull, gs, (nint)0, (nint)0, folded);
            Assert.That(rs.ToArray(), Is.EqualTo(statesBefore));
            Assert.That(gs.ToArray(), Is.EqualTo(byRBefore));

            T[] Uniform(int n, double bound) =>
                [.. Enumerable.Range(0, n).Select(_ => T.CreateChecked(bound * (2 * random.NextDouble() - 1)))];

            void Compare(CudaBuffer<T> ours, double[] theirs, double scale, string what) =>
                Assert.That(Doubles(ours.ToArray()).Zip(theirs, (a, b) => Math.Abs(a - b)).Max() / scale, Is.LessThan(tolerance), what);
        }, iter: 100, threads: 1);
    }

    private static double[] Doubles<T>(T[] values) where T : INumber<T> => [.. values.Select(double.CreateChecked)];

    /// <summary>The recurrence and its gradients, series by series and step by step.</summary>
    private sealed class Reference
    {
        public Reference(CudaRecurrencePlan plan, int n, double[] j, double[] r, double[] initial, double[] gradient, double[] last)
        {
            (States, ByR, ByJ, ByInitial) = (new double[r.Length], new double[r.Length], new double[j.Length], new double[initial.Length]);
            var (time, channels) = ((int)plan.Time, (int)plan.Channels);
            for (var b = 0; b < plan.Batch; b++)
                for (var d = 0; d < channels; d++)
                {
                    int At(int t, int rows, int row) => ((b * time + t) * rows + row) * channels + d;
                    int Once(int row) => (b * n + row) * channels + d;
                    double Before(int t, int row) => t > 0 ? States[At(t - 1, n, row)] : initial[Once(row)];
                    for (var t = 0; t < time; t++)
                        for (var i = 0; i < n; i++)
                            States[At(t, n, i)] = r[At(t, n, i)]
                                + Enumerable.Range(0, n).Sum(k => j[At(t, n * n, i * n + k)] * Before(t, k));
                    double[] arriving = [.. Enumerable.Range(0, n).Select(i => last[Once(i)])];
                    for (var t = time - 1; t >= 0; t--)
                    {
                        double[] lambda = [.. Enumerable.Range(0, n).Select(i => gradient[At(t, n, i)] + arriving[i])];
                        for (var i = 0; i < n; i++)
                        {
                            ByR[At(t, n, i)] = lambda[i];
                            for (var k = 0; k < n; k++) ByJ[At(t, n * n, i * n + k)] = lambda[i] * Before(t, k);
                            arriving[i] = Enumerable.Range(0, n).Sum(k => j[At(t, n * n, k * n + i)] * lambda[k]);
                        }
                    }
                    for (var i = 0; i < n; i++) ByInitial[Once(i)] = arriving[i];
                }
        }

        public double[] States { get; }

        public double[] ByR { get; }

        public double[] ByJ { get; }

        public double[] ByInitial { get; }
    }
}
