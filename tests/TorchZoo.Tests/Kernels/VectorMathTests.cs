using System.Numerics;
using System.Runtime.InteropServices;
using NUnit.Framework;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Tests.Kernels;

public unsafe class VectorMathTests
{
    public enum Function { Exp, Log, Sigmoid, Tanh, Silu, NormalCdf, Gelu, GeluTanh, Softplus, Mish, Sin }

    private readonly struct Kernel<T>(Function function, T* x, T* value, T* slope, long count) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = Math.Min(V.Count, count - i);
                Of(V.LoadPart(x + i, rest), out var y, out var s);
                y.StorePart(value + i, rest);
                s.StorePart(slope + i, rest);
            }
        }

        private void Of<V>(V x, out V y, out V s) where V : struct, ILanes<V, T>
        {
            s = V.Zero;
            y = function switch
            {
                Function.Exp => s = VectorMath.Exp<V, T>(x),
                Function.Log => VectorMath.Log<V, T>(x),
                Function.Sigmoid => VectorMath.Sigmoid<V, T>(x, out s),
                Function.Tanh => VectorMath.Tanh<V, T>(x, out s),
                Function.Silu => VectorMath.Silu<V, T>(x, out s),
                Function.NormalCdf => VectorMath.NormalCdf<V, T>(x, out s),
                Function.Gelu => VectorMath.Gelu<V, T>(x, out s),
                Function.GeluTanh => VectorMath.GeluTanh<V, T>(x, out s),
                Function.Softplus => VectorMath.Softplus<V, T>(x, out s),
                Function.Mish => VectorMath.Mish<V, T>(x, out s),
                _ => VectorMath.Sin<V, T>(x, out s),
            };
        }
    }

    private static (T[] Value, T[] Slope) Run<T>(Function function, T[] x, int bits = 0) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T[] value = new T[x.Length], slope = new T[x.Length];
        fixed (T* a = x, b = value, c = slope)
        {
            var kernel = new Kernel<T>(function, a, b, c, x.Length);
            if (bits == 128) kernel.Run<Lanes128<T>>();
            else if (bits == 256) kernel.Run<Lanes256<T>>();
            else if (bits == 512) kernel.Run<Lanes512<T>>();
            else Lanes.Run<T, Kernel<T>>(kernel);
        }
        return (value, slope);
    }

    // All float32 numbers from the smallest on, so many apart; with signs, zeros and what isn't finite.
    private static float[] Singles(int stride)
    {
        var result = new List<float> { 0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon,
            float.MaxValue, -float.MaxValue };
        for (long bits = 1; bits < 0x7F80_0000; bits += stride)
        {
            var x = BitConverter.Int32BitsToSingle((int)bits);
            result.Add(x);
            result.Add(-x);
        }
        return [.. result];
    }

    // In float64, from what .NET's Math has; good to 1e-15 relative or so.
    private static (double Value, double Slope) Exact(Function function, double x)
    {
        double e = Math.Exp(-Math.Abs(x)), sigmoid = x < 0 ? e / (1 + e) : 1 / (1 + e), steep = e / ((1 + e) * (1 + e));
        switch (function)
        {
            case Function.Exp: return (Math.Exp(x), Math.Exp(x));
            case Function.Log: return (Math.Log(x), 0);
            case Function.Sigmoid: return (sigmoid, steep);
            case Function.Tanh: return (Math.Tanh(x), 1 / (Math.Cosh(x) * Math.Cosh(x)));
            case Function.Silu: return (x * sigmoid, sigmoid + x * steep);
            case Function.NormalCdf: return (Cdf(x), Density(x));
            case Function.Gelu: return (x * Cdf(x), Cdf(x) + x * Density(x));
            case Function.GeluTanh:
                var u = 2 * Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
                var (s, t) = Exact(Function.Sigmoid, u);
                return (x * s, s + x * t * 2 * Math.Sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x));
            case Function.Softplus: return (Math.Max(x, 0) + LogOnePlus(e), sigmoid);
            case Function.Mish:
                if (x > 300) return (x, double.IsInfinity(x) ? double.NaN : 1);
                double w = Math.Exp(x), n = w * (w + 2), tanh = n / (n + 2);
                return (x * tanh, tanh + x * sigmoid * (2 / (n + 2)) * (1 + tanh));
            default: return (Math.Sin(x), Math.Cos(x));
        }

        static double LogOnePlus(double e) => 1 + e == 1 ? e : Math.Log(1 + e) * e / (1 + e - 1);

        static double Density(double x)
        {
            var square = x * x;
            if (!double.IsFinite(square)) return double.IsNaN(x) ? x : 0;
            return Math.Exp(-square / 2) * (1 - Math.FusedMultiplyAdd(x, x, -square) / 2) / Math.Sqrt(2 * Math.PI);
        }

        // A series from the middle, a continued fraction for the tails.
        static double Cdf(double x)
        {
            var a = Math.Abs(x);
            if (double.IsNaN(x)) return x;
            if (a > 60) return x < 0 ? 0 : 1;
            if (a < 1)
            {
                double term = a, sum = a;
                for (var k = 1; k < 120; k++) sum += term *= a * a / (2 * k + 1);
                return 0.5 + Math.Sign(x) * sum * Density(a);
            }
            var fraction = a;
            for (var k = a < 2.5 ? 600 : 150; k > 0; k--) fraction = a + k / fraction;
            return x < 0 ? Density(a) / fraction : 1 - Density(a) / fraction;
        }
    }

    // Bounds as documented; those of slopes and of x-weighted functions partly in ulp of 1 (or of |x|).
    [TestCase(Function.Exp, 1, 1)]
    [TestCase(Function.Log, 1, 0)]
    [TestCase(Function.Sigmoid, 3, 4)]
    [TestCase(Function.Tanh, 3, 6)]
    [TestCase(Function.Silu, 3, 4)]
    [TestCase(Function.NormalCdf, 6, 3)]
    [TestCase(Function.Gelu, 6, 4)]
    [TestCase(Function.GeluTanh, 4, 8)]
    [TestCase(Function.Softplus, 3, 3)]
    [TestCase(Function.Mish, 4, 8)]
    [TestCase(Function.Sin, 1, 1)]
    public void SinglesAreExactToTheirBounds(Function function, double ulps, double slopeUlps)
    {
        var x = Singles(9973);
        var (value, slope) = Run(function, x);
        double worst = 0, worstSlope = 0, at = 0, atSlope = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var (exact, exactSlope) = Exact(function, x[i]);
            if (function == Function.GeluTanh && Math.Abs(x[i]) > 1e6) continue; // x³ overflows, as libtorch's
            var floor = function switch
            {
                Function.Sin => 1,
                Function.GeluTanh => Math.Max(1, Math.Abs(x[i])),
                Function.Silu or Function.Mish or Function.Gelu => 1e-36,
                _ => 0
            };
            var slopeFloor = function is Function.Exp or Function.Sigmoid or Function.NormalCdf or Function.Softplus ? 0
                : function is Function.Tanh ? 1e-30 : 1;
            Worst(Error(value[i], exact, floor), x[i], ref worst, ref at);
            Worst(Error(slope[i], exactSlope, slopeFloor), x[i], ref worstSlope, ref atSlope);
        }
        TestContext.Out.WriteLine($"{function}: {worst:F2} ulp at {at:G9}, slope {worstSlope:F2} at {atSlope:G9}");
        Assert.Multiple(() =>
        {
            Assert.That(worst, Is.LessThanOrEqualTo(ulps), $"at {at:G9}");
            Assert.That(worstSlope, Is.LessThanOrEqualTo(slopeUlps), $"slope at {atSlope:G9}");
        });

        static void Worst(double error, double x, ref double worst, ref double at)
        {
            if (!(error <= worst)) (worst, at) = (error, x);
        }
    }

    // In units of the last place of what is exact, or of `floor` if that is larger. Below the normal numbers one unit more is allowed.
    private static double Error(float got, double exact, double floor)
    {
        var rounded = (float)exact;
        if (float.IsNaN(rounded)) return float.IsNaN(got) ? 0 : double.PositiveInfinity;
        if (float.IsInfinity(rounded) || float.IsInfinity(got))
            return got.Equals(rounded) || Math.Abs(exact) > 3.4028e38 && Math.Abs(got) > 3.4028e38f ? 0 : double.PositiveInfinity;
        var magnitude = (float)Math.Max(Math.Abs(exact), floor);
        var unit = magnitude < 1.2e-38f ? 2.0 * float.Epsilon : MathF.BitIncrement(magnitude) - magnitude;
        return Math.Abs(got - exact) / unit;
    }

    private static double[] Doubles()
    {
        var random = new Random(1);
        double[] special = [0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, -double.Epsilon,
            1e-310, 1e-300, 1, -1, 20, -20, 709, -709, -745, 710, 800, -800, 1e5, 1e300];
        return [.. special, .. Enumerable.Range(0, 4000).SelectMany(_ => new[]
        {
            random.NextDouble() * 8 - 4, random.NextDouble() * 80 - 40, (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-12, 4)),
        })];
    }

    [Test]
    public void DoublesAreExactToFewUnits([Values] Function function)
    {
        var x = Doubles();
        var (value, slope) = Run(function, x);
        double worst = 0, worstSlope = 0, at = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var (exact, exactSlope) = Exact(function, x[i]);
            if (double.IsNaN(exact)) Assert.That(value[i], Is.NaN, $"at {x[i]}");
            else if (double.IsInfinity(exact)) Assert.That(value[i], Is.EqualTo(exact), $"at {x[i]}");
            else if (Math.Abs(exact) > 1e-290)
            {
                var floor = function is Function.Sin ? 1 : function is Function.GeluTanh ? Math.Abs(x[i]) : 0;
                var error = Math.Abs(value[i] - exact) / Math.Max(Math.Abs(exact), floor);
                if (!(error <= worst)) (worst, at) = (error, x[i]);
            }
            if (!double.IsFinite(exactSlope) || function == Function.Log) continue;
            var slopeError = Math.Abs(slope[i] - exactSlope) / Math.Max(1, Math.Abs(exactSlope));
            if (!(slopeError <= worstSlope)) worstSlope = slopeError;
        }
        TestContext.Out.WriteLine($"{function}: {worst / Math.Pow(2, -52):F2} ulp at {at:G17}, slope {worstSlope / Math.Pow(2, -52):F2}");
        Assert.Multiple(() =>
        {
            Assert.That(worst, Is.LessThan(1.8e-15), $"at {at:G17}");
            Assert.That(worstSlope, Is.LessThan(1.8e-15));
        });
    }

    [Test]
    public void AllWidthsGiveTheSameBits([Values] Function function)
    {
        float[] x = [.. Singles(99991), 3, 4, 5];
        double[] y = [.. Doubles(), 1e7, -3e9];
        Same(Run(function, x, 128), Run(function, x, 256));
        Same(Run(function, x, 128), Run(function, x, 512));
        Same(Run(function, y, 128), Run(function, y, 256));
        Same(Run(function, y, 128), Run(function, y, 512));

        static void Same<T>((T[] Value, T[] Slope) a, (T[] Value, T[] Slope) b) where T : unmanaged
        {
            Assert.That(MemoryMarshal.AsBytes<T>(a.Value).SequenceEqual(MemoryMarshal.AsBytes<T>(b.Value)), Is.True);
            Assert.That(MemoryMarshal.AsBytes<T>(a.Slope).SequenceEqual(MemoryMarshal.AsBytes<T>(b.Slope)), Is.True);
        }
    }
}
