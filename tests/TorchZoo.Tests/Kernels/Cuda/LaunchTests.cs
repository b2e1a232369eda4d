using System.Runtime.CompilerServices;
using NUnit.Framework;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>What can be said of a launch without a GPU.</summary>
public sealed class LaunchTests
{
    private struct Three
    {
        public float A, B, C;
    }

    [InlineArray(32)]
    private struct Big
    {
        public double First;
    }

    private static byte[] Bytes(CudaArgument argument)
    {
        var bytes = new byte[argument.Size];
        argument.CopyTo(bytes);
        return bytes;
    }

    [Test]
    public unsafe void ArgumentsHaveTheBytesOfTheirValues()
    {
        using var scope = NewDisposeScope();
        var big = new Big();
        big[31] = Math.PI;
        var tensor = arange(6, ScalarType.Float64);
        Assert.Multiple(() =>
        {
            Assert.That(Bytes(7), Is.EqualTo(BitConverter.GetBytes(7)));
            Assert.That(Bytes(7L), Is.EqualTo(BitConverter.GetBytes(7L)));
            Assert.That(Bytes(-1f), Is.EqualTo(BitConverter.GetBytes(-1f)));
            Assert.That(Bytes(-1d), Is.EqualTo(BitConverter.GetBytes(-1d)));
            Assert.That(Bytes(true), Is.EqualTo(new byte[] { 1 }));
            Assert.That(Bytes(uint.MaxValue), Is.EqualTo(BitConverter.GetBytes(uint.MaxValue)));
            Assert.That(Bytes(ulong.MaxValue), Is.EqualTo(BitConverter.GetBytes(ulong.MaxValue)));
            Assert.That(Bytes((nint)4096), Is.EqualTo(BitConverter.GetBytes(4096L)));
            Assert.That(Bytes(CudaArgument.Of((Half)1)), Is.EqualTo(new byte[] { 0, 0x3c }));
            Assert.That(Bytes(CudaArgument.Of(new Three { A = 1, B = 2, C = 3 })),
                Is.EqualTo(new[] { 1f, 2f, 3f }.SelectMany(BitConverter.GetBytes)));
            Assert.That(Bytes(CudaArgument.Of(big)), Has.Length.EqualTo(256));
            Assert.That(BitConverter.ToDouble(Bytes(CudaArgument.Of(big)), 248), Is.EqualTo(Math.PI));
            Assert.That(Bytes((Tensor?)null), Is.EqualTo(new byte[8]));
            Assert.That(Bytes(zeros(0, 3)), Is.EqualTo(new byte[8]));
            Assert.That(*(double*)BitConverter.ToInt64(Bytes(tensor.narrow(0, 2, 3))), Is.EqualTo(2));
        });
        GC.KeepAlive(tensor);
    }

    [Test]
    public void AStridedTensorIsRefused()
    {
        using var scope = NewDisposeScope();
        var strided = zeros(3, 4).t();
        Assert.That(() => { CudaArgument argument = strided; }, Throws.ArgumentException.With.Message.Contain("(4, 3) in steps of (1, 4)"));
    }

    [Test]
    public void NumberAndSizesOfArgumentsMustBeTheKernels()
    {
        int[] sizes = [8, 4, 4];
        Assert.Multiple(() =>
        {
            Assert.That(() => CudaKernel.CheckSizes("k", sizes, [(nint)0, 1, 2f]), Throws.Nothing);
            Assert.That(() => CudaKernel.CheckSizes("k", sizes, [(nint)0, 1]),
                Throws.ArgumentException.With.Message.Contain("3 arguments for k, got 2"));
            Assert.That(() => CudaKernel.CheckSizes("k", sizes, [(nint)0, 1, 2d]),
                Throws.ArgumentException.With.Message.Contain("4 bytes for argument 2 of k, got 8"));
        });
    }

    [Test]
    public void TensorsOnACpuAreRefused()
    {
        using var scope = NewDisposeScope();
        var x = zeros(3);
        Assert.Multiple(() =>
        {
            Assert.That(() => CudaDevice.Of(x), Throws.ArgumentException.With.Message.Contain("cpu"));
            Assert.That(() => CudaStream.Of(x), Throws.ArgumentException);
        });
    }

    [Test]
    public void WithoutAGpuTheReasonIsSaid()
    {
        if (CudaDevice.Problem is null) Assert.Ignore("there is a GPU");
        Assert.Multiple(() =>
        {
            Assert.That(CudaDevice.Count, Is.Zero);
            Assert.That(CudaKernels.AreAvailable, Is.False);
            Assert.That(CudaKernels.Problem, Is.Not.Empty);
            Assert.That(() => CudaDevice.Get(0), Throws.InstanceOf<Exception>());
        });
    }
}
