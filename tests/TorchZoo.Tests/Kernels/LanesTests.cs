using System.Numerics;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Tests.Kernels;

public unsafe class LanesTests
{
    [Test, Category("Property")]
    public void FourSumsAtOnceAreTheFourSums()
    {
        Check<Lanes128<float>, float>(1e-5f);
        Check<Lanes256<float>, float>(1e-5f);
        Check<Lanes512<float>, float>(1e-5f);
        Check<Lanes128<double>, double>(1e-13);
        Check<Lanes256<double>, double>(1e-13);
        Check<Lanes512<double>, double>(1e-13);
    }

    private static void Check<V, T>(T tolerance)
        where V : struct, ILanes<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Gen.Float[-1, 1].Array[4 * V.Count + 6].Sample(values =>
        {
            var x = values.Select(v => T.CreateChecked(v)).ToArray();
            var sums = x[^6..];
            fixed (T* p = x, s = sums) V.AddSums(V.Load(p), V.Load(p + V.Count), V.Load(p + 2 * V.Count), V.Load(p + 3 * V.Count), s + 1);
            for (var i = 0; i < 4; i++)
            {
                var expected = x[^(5 - i)];
                for (var j = 0; j < V.Count; j++) expected += x[i * V.Count + j];
                Assert.That(T.Abs(sums[i + 1] - expected), Is.LessThanOrEqualTo(tolerance), $"sum {i}");
            }
            // The numbers beside them stay what they were.
            Assert.That((sums[0], sums[5]), Is.EqualTo((x[^6], x[^1])));
        }, threads: 1);
}
