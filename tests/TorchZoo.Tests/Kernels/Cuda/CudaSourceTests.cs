using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Cuda;

public sealed class CudaSourceTests
{
    [Test]
    public void InstancesAreListedWithBraces()
    {
        var source = new CudaSource("a.cu", """
            // instantiate: plain
            // instantiates: nothing
              // instantiate: f<{float, double}, {1,2}>
            // instantiate: g<A<int>,{B}>
            """);
        Assert.That(source.Instances, Is.EqualTo(
            new[] { "plain", "f<float, 1>", "f<float, 2>", "f<double, 1>", "f<double, 2>", "g<A<int>,B>" }));
    }

    [Test]
    public void AnAssemblyBringsSourcesAndHeaders()
    {
        var source = CudaSource.Embedded(typeof(CudaSourceTests).Assembly, "header_check.cu");
        Assert.That(source.Headers.Keys, Is.EquivalentTo(new[] { "affine.cuh", "linear_recurrence.cuh", "torchzoo.cuh" }));
        Assert.That(CudaSource.AllEmbedded(typeof(CudaSource).Assembly).Select(s => s.Name),
            Has.Member("sine_jet.cu").And.Member("activation.cu"));
        Assert.That(() => CudaSource.Embedded(typeof(CudaSourceTests).Assembly, "absent.cu"),
            Throws.ArgumentException.With.Message.Contain("header_check.cu"));
    }

    [Test]
    public void TypesHaveTheirNamesInKernels()
    {
        Assert.That(CudaSource.TypeName(ScalarType.BFloat16), Is.EqualTo("bfloat16"));
        Assert.That(() => CudaSource.TypeName(ScalarType.ComplexFloat32), Throws.ArgumentException);
    }

    [Test]
    public void EveryActivationIsAnInstance()
    {
        var instances = CudaSource.Embedded(typeof(CudaActivation).Assembly, "activation.cu").Instances;
        foreach (var activation in Enum.GetValues<Activation>())
            foreach (var type in new[] { "float", "double", "float16", "bfloat16" })
                Assert.That(instances, Has.Member($"forward<{activation},{type}>").And.Member($"backward<{activation},{type}>"));
    }
}
