using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>Kernels on a GPU against torch operations on the CPU. The memory is the driver's own, so that a CPU build of libtorch will
/// do.</summary>
[Category("Cuda")]
public sealed class GpuTests
{
    private static readonly CudaSource Check = CudaSource.Embedded(typeof(GpuTests).Assembly, "header_check.cu");

    // Empty, less than 16 bytes, whole packs and ragged ends, more than a grid holds at once.
    private static readonly int[] Lengths = [0, 1, 3, 4, 7, 8, 9, 31, 255, 1000, 4097];

    private static readonly Gen<(int D, int M, int Points, int Width, bool Single, bool Bias)> Shapes =
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[1, 300], Gen.Bool, Gen.Bool);

    [SetUp]
    public void NeedsAGpu() => _ = Cuda.Device;

    private static double[] Uniform(int n, double bound, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, n).Select(_ => bound * (2 * random.NextDouble() - 1))];
    }

    private static CudaKernel Kernel(string name) => Cuda.Device.Kernel(Check, name);

    private static CudaStream Stream => new(Cuda.Device, 0);

    // ---- torchzoo.cuh

    [Test]
    public void SixteenBitTypesRoundAsTorchDoes([Values] bool brain)
    {
        using var scope = NewDisposeScope();
        float[] odd = [0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, 65504, 65520, 65519.99f,
            1e-8f, 6e-8f, 3e-5f, 1.00390625f, 1.01171875f, 1.00048828125f, 1.00146484375f];
        float[] x = [.. odd, .. Uniform(1000, 1000, 1).Select(v => (float)v), .. Uniform(1000, 1e-6, 2).Select(v => (float)v)];
        using CudaBuffer<float> from = new(Cuda.Device, x), to = new(Cuda.Device, x.Length);
        Kernel($"round_trip<{(brain ? "bfloat16" : "float16")}>").LaunchFor(x.Length, Stream, from, to, (long)x.Length);
        var expected = tensor(x).to(brain ? ScalarType.BFloat16 : ScalarType.Float16).to(ScalarType.Float32).data<float>().ToArray();
        Assert.That(to.ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void PacksCopyWhatIsThereAndNothingElse()
    {
        foreach (var n in Lengths)
            foreach (var shift in new[] { 0, 1 })
            {
                byte[] x = [.. Enumerable.Range(0, n + 33).Select(i => (byte)(i * 7 + 1))];
                using CudaBuffer<byte> from = new(Cuda.Device, x), to = new(Cuda.Device, new byte[x.Length]);
                Kernel("copy<uint8>").LaunchFor((n + 15) / 16, Stream, from.Address + shift, to.Address + 2 * shift, (long)n);
                var expected = new byte[x.Length];
                x.AsSpan(shift, n).CopyTo(expected.AsSpan(2 * shift));
                Assert.That(to.ToArray(), Is.EqualTo(expected), $"{n} from {shift}");
            }
    }

    [Test]
    public void BlocksReduce([Values(32, 96, 256, 1024)] int threads)
    {
        foreach (var n in Lengths)
        {
            var x = Uniform(n, 1, n);
            Assert.That(Reduce("Sum", 0), Is.EqualTo(x.Sum()).Within(1e-12));
            Assert.That(Reduce("Maximum", double.NegativeInfinity), Is.EqualTo(x.Append(double.NegativeInfinity).Max()));
            Assert.That(Reduce("Minimum", double.PositiveInfinity), Is.EqualTo(x.Append(double.PositiveInfinity).Min()));

            double Reduce(string op, double identity)
            {
                using CudaBuffer<double> from = new(Cuda.Device, x), to = new(Cuda.Device, 2);
                Kernel($"reduce<double,{op}>").Launch(1, threads, 0, Stream, from, to, (long)n, identity);
                var found = to.ToArray();
                // Every thread has it.
                Assert.That(found[1], Is.EqualTo(found[0]));
                return found[0];
            }
        }
    }

    [Test]
    public void ANaNIsTheMaximum()
    {
        var x = Uniform(300, 1, 1);
        x[217] = double.NaN;
        using CudaBuffer<double> from = new(Cuda.Device, x), to = new(Cuda.Device, 2);
        Kernel("reduce<double,Maximum>").Launch(1, 128, 0, Stream, from, to, 300L, double.NegativeInfinity);
        Assert.That(to.ToArray()[0], Is.NaN);
    }

    [Test]
    public void BlocksScan([Values(32, 96, 256, 1024)] int threads)
    {
        foreach (var n in Lengths)
        {
            long[] x = [.. Enumerable.Range(0, n).Select(i => (long)i * i - 100)];
            using CudaBuffer<long> from = new(Cuda.Device, x), to = new(Cuda.Device, n);
            Kernel("scan<int64,Sum>").Launch(1, threads, 0, Stream, from, to, (long)n);
            var sum = 0L;
            Assert.That(to.ToArray(), Is.EqualTo(x.Select(v => sum += v)));
        }
    }

    [Test]
    public void ScansKeepTheOrder([Values(32, 160, 1024)] int threads)
    {
        foreach (var n in Lengths)
        {
            (double Factor, double Term)[] x = [.. Uniform(n, 1.1, n).Zip(Uniform(n, 1, n + 1))];
            using CudaBuffer<(double Factor, double Term)> from = new(Cuda.Device, x), to = new(Cuda.Device, n);
            Kernel("scan<Affine<double>,Compose>").Launch(1, threads, 0, Stream, from, to, (long)n);
            var h = 0.0;
            Assert.That(to.ToArray().Select(y => y.Term), Is.EqualTo(x.Select(v => h = v.Factor * h + v.Term)).Within(1e-12));
        }
    }

    // ---- activation.cu

    [Test]
    public void ActivationsAreTorchsForwardAndBackward([Values] Activation activation,
        [Values(ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16)] ScalarType type)
    {
        (int, int, int)[] shapes = [(0, 3, 2), (1, 1, 1), (2, 3, 5), (1, 7, 1), (3, 5, 67), (1, 1, 4097), (600, 7, 1)];
        bool[] both = [false, true];
        foreach (var ((outer, channels, inner), hasBias, hasResidual) in
            from sizes in shapes from bias in both from residual in both select (sizes, bias, residual))
        {
            using var scope = NewDisposeScope();
            var n = outer * channels * inner;
            long[] shape = [outer, channels, inner];
            Tensor x = Numbers(n, 9, 1).view(shape), gradient = Numbers(n, 2, 2).view(shape);
            Tensor? bias = hasBias ? Numbers(channels, 2, 3) : null, residual = hasResidual ? Numbers(n, 2, 4).view(shape) : null;
            // What the kernel rounds on its way: the sum, where it is written.
            var z = x.to(ScalarType.Float64);
            if (bias is not null) z = z + bias.to(ScalarType.Float64).view(-1, 1);
            if (residual is not null) z = z + residual.to(ScalarType.Float64);
            z = z.to(type);
            var exact = z.to(ScalarType.Float64).requires_grad_();
            var value = Reference(activation, exact);

            using CudaBuffer<byte> xs = Upload(x), gs = Upload(gradient), zs = Upload(z), ys = Upload(zeros_like(x)), sums = Upload(zeros_like(x)),
                results = Upload(zeros_like(x));
            using CudaBuffer<byte>? bs = bias is null ? null : Upload(bias), rs = residual is null ? null : Upload(residual);
            CudaArgument b = bs is null ? (nint)0 : bs, r = rs is null ? (nint)0 : rs;
            CudaActivation.Forward(activation, type, Stream, xs, b, r, ys, sums, n, channels, inner);
            Compare(Download(sums, type), z.flatten().to(ScalarType.Float64), "sum");
            Compare(Download(ys, type), value.detach().flatten(), "forward");
            CudaActivation.Backward(activation, type, Stream, zs, (nint)0, gs, results, n, channels, inner);
            if (n > 0)
                Compare(Download(results, type), autograd.grad([value], [exact], [gradient.to(ScalarType.Float64)])[0].flatten(), "backward");
            // The bias again, and in place.
            if (!hasResidual)
            {
                CudaActivation.Backward(activation, type, Stream, xs, b, gs, gs, n, channels, inner);
                Assert.That(gs.ToArray(), Is.EqualTo(results.ToArray()));
            }
            CudaActivation.Forward(activation, type, Stream, xs, b, r, xs, (nint)0, n, channels, inner);
            Assert.That(xs.ToArray(), Is.EqualTo(ys.ToArray()));
        }

        Tensor Numbers(int count, double bound, int seed) => tensor(Uniform(count, bound, seed)).to(type);

        void Compare(Tensor ours, Tensor expected, string what)
        {
            if (ours.numel() == 0) return;
            var ulp = type switch
            {
                ScalarType.Float64 => 2.3e-16,
                ScalarType.Float32 => 1.2e-7,
                ScalarType.Float16 => 9.8e-4,
                _ => 7.9e-3,
            };
            // Half a unit for the result's own rounding, as much for the sum's (which is added up in another order), some more for the
            // arithmetic; near zero, of the numbers that it is a sum of.
            var error = ((ours.to(ScalarType.Float64) - expected).abs() / (expected.abs() + 1)).max().item<double>();
            Assert.That(error, Is.LessThan((type is ScalarType.Float16 or ScalarType.BFloat16 ? 3 : 20) * ulp), what);
        }
    }

    private static Tensor Reference(Activation activation, Tensor x) => activation switch
    {
        Activation.Identity => x * 1,
        Activation.Relu => x.relu(),
        Activation.Sigmoid => x.sigmoid(),
        Activation.Tanh => x.tanh(),
        Activation.Silu => x * x.sigmoid(),
        Activation.Gelu => x * (1 + (x / Math.Sqrt(2)).erf()) / 2,
        Activation.GeluTanh => x * (1 + (Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x.pow(3))).tanh()) / 2,
        Activation.Softplus => x.exp().log1p(),
        Activation.Mish => x * x.exp().log1p().tanh(),
        Activation.Sin => x.sin(),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    // ---- self_gate.cu

    [Test]
    public void SelfGatesAreTorchsForwardAndBackward([Values] GateFunction gate,
        [Values(ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16)] ScalarType type)
    {
        foreach (var (outer, channels, inner) in new[] { (1, 1, 1), (2, 3, 5), (1, 7, 1), (3, 5, 67), (1, 1, 4097), (600, 7, 1) })
        {
            using var scope = NewDisposeScope();
            var n = outer * channels * inner;
            Tensor x = tensor(Uniform(n, 6, 1)).to(type), slope = tensor(Uniform(channels, 2, 2)).to(type),
                gradient = tensor(Uniform(n, 2, 3)).to(type);
            var wide = x.to(ScalarType.Float64).view(outer, channels, inner).requires_grad_();
            var wideSlope = slope.to(ScalarType.Float64).view(channels, 1).requires_grad_();
            var u = wide * wideSlope;
            var y = wide * (gate switch
            {
                GateFunction.Logistic => u.sigmoid(),
                GateFunction.Normal => 0.5 * (u * -Math.Sqrt(0.5)).erfc(),
                _ => u.exp().log1p().tanh(),
            });
            var expected = autograd.grad([y], [wide, wideSlope], [gradient.to(ScalarType.Float64).view(y.shape)]);
            var accumulated = type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            using CudaBuffer<byte> xs = Upload(x), ss = Upload(slope), gs = Upload(gradient), ys = Upload(zeros_like(x)),
                byX = Upload(zeros_like(x)), bySlope = Upload(zeros(n, accumulated));
            CudaSelfGate.Forward(gate, type, Stream, xs, ss, ys, n, channels, inner);
            CudaSelfGate.Backward(gate, type, Stream, xs, ss, gs, byX, bySlope, n, channels, inner);
            var tolerance = type switch
            {
                ScalarType.Float64 => 1e-13,
                ScalarType.Float32 => 1e-5,
                ScalarType.Float16 => 4e-3,
                _ => 3e-2,
            };
            void Near(Tensor ours, Tensor theirs, double within, string what) => Assert.That(((ours.to(ScalarType.Float64) - theirs).abs()
                / (theirs.abs() + 1)).max().item<double>(), Is.LessThan(within), what);
            Near(Download(ys, type), y.detach().flatten(), tolerance, "forward");
            Near(Download(byX, type), expected[0].flatten(), tolerance, "by x");
            var sums = Download(bySlope, accumulated).to(ScalarType.Float64).view(outer, channels, inner).sum([0, 2]);
            Near(sums, expected[1].flatten(), type == ScalarType.Float64 ? 1e-11 : 1e-3, "by the slopes");
        }
    }

    [Test]
    public void ActivationsHoldAtTheEnds([Values] Activation activation)
    {
        using var scope = NewDisposeScope();
        float[] x = [float.NaN, float.PositiveInfinity, 1e30f, 100, 25, -25, -100, -1e30f];
        using CudaBuffer<float> xs = new(Cuda.Device, x), ys = new(Cuda.Device, x.Length);
        CudaActivation.Forward(activation, ScalarType.Float32, Stream, xs, (nint)0, (nint)0, ys, (nint)0, x.Length, 1, x.Length);
        var y = ys.ToArray();
        float[] rising = [float.NaN, float.PositiveInfinity, 1e30f, 100, 25];
        float[] expected = activation switch
        {
            Activation.Identity => x,
            Activation.Relu => [.. rising, 0, 0, 0],
            Activation.Sigmoid => [float.NaN, 1, 1, 1, 1, MathF.Exp(-25), MathF.Exp(-100), 0],
            Activation.Tanh => [float.NaN, 1, 1, 1, 1, -1, -1, -1],
            Activation.Softplus => [.. rising, MathF.Exp(-25), MathF.Exp(-100), 0],
            Activation.Gelu or Activation.GeluTanh => [.. rising, 0, 0, 0],
            Activation.Sin => [float.NaN, float.NaN, MathF.Sin(1e30f), MathF.Sin(100), MathF.Sin(25), -MathF.Sin(25), -MathF.Sin(100), -MathF.Sin(1e30f)],
            _ => [float.NaN, float.PositiveInfinity, 1e30f, 100, 25, -25 * MathF.Exp(-25), -100 * MathF.Exp(-100), 0],
        };
        for (var i = 0; i < x.Length; i++)
            Assert.That(y[i], float.IsFinite(expected[i]) ? Is.EqualTo(expected[i]).Within(Math.Abs(expected[i]) * 1e-5f + 1e-38f)
                : Is.EqualTo(expected[i]), $"f({x[i]})");
    }

    // ---- sine_jet.cu

    [Test, Category("Property")]
    public void SineJetIsTheReferenceForwardAndBackward() =>
        Shapes.Sample((d, m, points, width, single, hasBias) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)(points * 100 + width));
            if (d == 0) m = 0;
            var type = single ? ScalarType.Float32 : ScalarType.Float64;
            var second = new double[m, d];
            for (var j = 0; j < m; j++)
                for (var i = 0; i < d; i++) second[j, i] = (i + 2 * j) % 3 - 0.5;
            const double omega = 3;
            var z = randn([1 + d + m, points, width], type, generator: generator);
            var bias = hasBias ? randn([width], type, generator: generator) : null;
            Tensor gradient = randn_like(z), y = empty_like(z), byZ = gradient.clone();
            SineJet.BackwardByTorch(z, bias, byZ, y, second, omega);

            using CudaBuffer<byte> zs = Upload(z), gs = Upload(gradient), ys = Upload(empty_like(z)), again = Upload(empty_like(z));
            using var bs = bias is null ? null : Upload(bias);
            CudaArgument biasOrNull = bs is null ? (nint)0 : bs;
            if (single) CudaSineJet.Forward<float>(Stream, zs, biasOrNull, ys, points, width, d, second, omega);
            else CudaSineJet.Forward<double>(Stream, zs, biasOrNull, ys, points, width, d, second, omega);
            if (single) CudaSineJet.Backward<float>(Stream, zs, biasOrNull, gs, again, points, width, d, second, omega);
            else CudaSineJet.Backward<double>(Stream, zs, biasOrNull, gs, again, points, width, d, second, omega);
            Compare(ys, y);
            Compare(again, y);
            Compare(gs, byZ);
            // In place.
            if (single) CudaSineJet.Forward<float>(Stream, zs, biasOrNull, zs, points, width, d, second, omega);
            else CudaSineJet.Forward<double>(Stream, zs, biasOrNull, zs, points, width, d, second, omega);
            Assert.That(zs.ToArray(), Is.EqualTo(ys.ToArray()));

            void Compare(CudaBuffer<byte> ours, Tensor expected)
            {
                if (expected.numel() == 0) return;
                var distance = (Download(ours, type).view(expected.shape) - expected).abs().max() / (1 + expected.abs().max());
                Assert.That(distance.ToDouble(), Is.LessThan(single ? 3e-6 : 1e-14));
            }
        }, iter: 60, threads: 1);

    // ---- The driver

    [Test]
    public void AKernelCanHaveAllSharedMemoryThereIs()
    {
        var device = Cuda.Device;
        var kernel = device.Kernel(new CudaSource("shared.cu", """
            __global__ void last(int* y, int bytes) { extern __shared__ char s[]; s[bytes - 1] = 7; __syncthreads(); *y = s[bytes - 1]; }
            """), "last");
        using var y = new CudaBuffer<int>(device, [0]);
        foreach (var bytes in new[] { 1, 48 << 10, device.MaxSharedBytes, 100 })
        {
            y.CopyFrom([0]);
            kernel.Launch(1, 32, bytes, Stream, y, bytes);
            Assert.That(y.ToArray(), Is.EqualTo(new[] { 7 }));
        }
        Assert.That(() => kernel.Launch(1, 32, device.MaxSharedBytes + 1, Stream, y, 0), Throws.ArgumentException);
        Assert.That(kernel.BlocksPerMultiprocessor(32), Is.GreaterThan(kernel.BlocksPerMultiprocessor(32, device.MaxSharedBytes)));
    }

    [Test]
    public void LaunchesThatCannotBeAreRefusedBefore()
    {
        using var scope = NewDisposeScope();
        var kernel = Kernel("copy<float>");
        using var x = new CudaBuffer<float>(Cuda.Device, 4);
        Assert.Multiple(() =>
        {
            Assert.That(() => kernel.Launch(1, 1025, 0, Stream, x, x, 4L), Throws.ArgumentException);
            Assert.That(() => kernel.Launch(1, 0, 0, Stream, x, x, 4L), Throws.ArgumentException);
            Assert.That(() => kernel.Launch(-1, 32, 0, Stream, x, x, 4L), Throws.ArgumentException);
            Assert.That(() => kernel.Launch(1, 32, 0, Stream, x, x), Throws.ArgumentException);
            Assert.That(() => kernel.Launch(1, 32, 0, Stream, x, x, 4), Throws.ArgumentException);
            Assert.That(() => kernel.Launch(1, 32, 0, Stream, x, zeros(4), 4L),
                Throws.ArgumentException.With.Message.Contain("argument 1"));
            Assert.That(() => kernel.Launch(0, 32, 0, Stream, x, x, 4L), Throws.Nothing);
            Assert.That(() => x.CopyFrom(new float[3]), Throws.ArgumentException);
            Assert.That(() => new CudaBuffer<double>(Cuda.Device, 1L << 50), Throws.TypeOf<CudaException>().With.Message.Contain("MEMORY"));
            Assert.That(() => CudaDevice.Get(CudaDevice.Count), Throws.TypeOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void AKernelIsLoadedOnceForSeveralThreads()
    {
        var kernels = new CudaKernel[8];
        var device = Cuda.Device;
        Parallel.For(0, kernels.Length, i => kernels[i] = device.Kernel(Check, "copy<int64>"));
        Assert.That(kernels, Is.All.SameAs(kernels[0]));
        Assert.That(() => device.Kernel(Check, "absent<int>"), Throws.TypeOf<CudaCompilationException>());
    }

    [Test]
    public void EventsMeasureTime()
    {
        using var x = new CudaBuffer<float>(Cuda.Device, 1 << 20);
        using var start = new CudaEvent(Stream);
        Kernel("copy<float>").LaunchFor(x.Length / 4, Stream, x, x, x.Length);
        using var end = new CudaEvent(Stream);
        end.Synchronize();
        Stream.Synchronize();
        Assert.That(end.Since(start), Is.GreaterThanOrEqualTo(TimeSpan.Zero));
    }

    // ---- Tensors: these need a CUDA build of libtorch

    [Test]
    public void TensorsOnTheGpu()
    {
        if (!cuda.is_available()) Assert.Ignore("libtorch here has no CUDA");
        using var scope = NewDisposeScope();
        var x = randn(7, 11, 13, device: CUDA);
        Tensor[] inputs = [x.requires_grad_(), randn(11, device: CUDA).requires_grad_(), randn_like(x).requires_grad_()];
        foreach (var activation in Enum.GetValues<Activation>())
        {
            Tensor Apply(Tensor[] of) => PointwiseActivation.Apply(activation, of[0], of[1], of[2]);
            Tensor ofOurs = Apply(inputs), ofCpu = Apply([.. inputs.Select(i => i.cpu())]), by = randn_like(ofOurs);
            Assert.That(ofOurs.cpu().allclose(ofCpu, 1e-5, 1e-5), Is.True);
            foreach (var (a, b) in autograd.grad([ofOurs], inputs, [by]).Zip(autograd.grad([ofCpu], inputs, [by.cpu()])))
                Assert.That(a.allclose(b, 1e-4, 1e-4), Is.True);
        }

        var second = new double[,] { { 1, 1 } };
        var z = randn([4, 50, 33], device: CUDA).requires_grad_();
        var bias = randn([33], device: CUDA).requires_grad_();
        Assert.That(SineJet.HasKernel(z), Is.True);
        Tensor ours = SineJet.Compute(z, bias, second, 5), expected = SineJet.Eager(z, bias, second, 5), cotangent = randn_like(ours);
        Assert.That(ours.allclose(expected, 1e-4, 1e-4), Is.True);
        foreach (var (a, b) in autograd.grad([ours], [z, bias], [cotangent]).Zip(autograd.grad([expected], [z, bias], [cotangent])))
            Assert.That(a.allclose(b, 1e-3, 1e-3), Is.True);
        Assert.That(CudaStream.Of(x).Device, Is.SameAs(CudaDevice.Get(x.device_index)));
    }

    private static CudaBuffer<byte> Upload(Tensor tensor) => new(Cuda.Device, tensor.bytes);

    private static Tensor Download(CudaBuffer<byte> buffer, ScalarType type)
    {
        var bytes = buffer.ToArray();
        var tensor = zeros(bytes.Length / zeros(1, type).bytes.Length, type);
        if (bytes.Length > 0) tensor.bytes = bytes;
        return tensor;
    }
}
