using System.Runtime.CompilerServices;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

/// <summary>The example of src/TorchZoo/Kernels/README.md, which is copied from here.</summary>
public class ReadmeExampleTests
{
    [Test]
    public void TheExampleWorks() => Gen.Int[0, 70].Sample(n =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)n);
        Tensor x = randn([n], generator: generator).requires_grad_(), weights = randn([n], generator: generator);
        Tensor y = new SoftsignFunction().Apply(x)[0], expected = x / (1 + x.abs());
        Assert.That(y.allclose(expected, 1e-6, 1e-7), Is.True);
        var (ours, theirs) = (autograd.grad([y], [x], [weights])[0], autograd.grad([expected], [x], [weights])[0]);
        Assert.That(ours.allclose(theirs, 1e-5, 1e-7), Is.True);
        BackwardPass.ThrowIfFailed();
    }, iter: 50, threads: 1);

    [Test]
    public void TheTextIsThisCode()
    {
        var folder = Sources.Root;
        var readme = File.ReadAllText(Path.Combine(folder, "src/TorchZoo/Kernels/README.md"));
        var source = File.ReadAllText(Path.Combine(folder, "tests/TorchZoo.Tests/Kernels/ReadmeExampleTests.cs"));
        var example = readme.Split("```csharp\n")[1].Split("```")[0];
        Assert.That(source, Does.Contain(example));
    }
}

internal sealed class SoftsignFunction : KernelFunction
{
    protected override Tensor[] Forward(KernelCall call) => [Run(call[0], null)];
    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => [Run(call[0], byOutputs[0])];
    protected override Tensor[] Eager(KernelCall call) => [call[0] / (1 + call[0].abs())];

    private static unsafe Tensor Run(Tensor input, Tensor? gradient)
    {
        var result = empty(input.shape, ScalarType.Float32);
        using Pinned<float> x = Pinned<float>.Of(input.contiguous(), nameof(input)), y = Pinned<float>.Of(result, nameof(result));
        using var g = gradient is null ? default : Pinned<float>.Of(gradient.contiguous(), nameof(gradient));
        Lanes.Run<float, Softsign>(new(x.Pointer, g.Pointer, y.Pointer, x.Length));
        return result;
    }
}

internal readonly unsafe struct Softsign(float* x, float* gradient, float* y, long count) : ILanesKernel<float>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void Run<V>() where V : struct, ILanes<V, float>
    {
        for (long i = 0; i < count; i += V.Count)
        {
            var n = Math.Min(V.Count, count - i);
            V z = V.LoadPart(x + i, n), r = V.Constant(1) / (V.Constant(1) + V.Abs(z));
            (gradient == null ? z * r : V.LoadPart(gradient + i, n) * r * r).StorePart(y + i, n);
        }
    }
}
