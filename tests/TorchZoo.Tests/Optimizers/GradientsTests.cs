using CsCheck;
using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class GradientsTests
{
    [Test, Category("Property")]
    public void NormIsThatOfAllTogether() =>
        Gen.Select(Gen.Int[0, 70_000].Array[0, 5], Gen.Bool, Gen.ULong).Sample((lengths, isDouble, seed) =>
        {
            using var scope = NewDisposeScope();
            var parameters = Parameters(lengths, isDouble ? ScalarType.Float64 : ScalarType.Float32, seed);
            var all = lengths.Length == 0 ? zeros(0, dtype: ScalarType.Float64) : cat([.. parameters.Select(p => p.grad!.to(ScalarType.Float64))]);
            Assert.That(Gradients.Norm(parameters).item<double>(), Is.EqualTo(all.norm().item<double>()).Within(1e-4).Percent);
        }, iter: 50, threads: 1);

    [Test]
    public void ClippingKeepsTheDirection([Values(0.5, 1e6)] double maximum)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters([3, 1000, 40_000], ScalarType.Float32, 3);
        var before = cat([.. parameters.Select(p => p.grad!.clone())]);
        var norm = Gradients.ClipNorm(parameters, maximum).item<double>();
        var after = cat([.. parameters.Select(p => p.grad!)]);
        Assert.Multiple(() =>
        {
            Assert.That(norm, Is.EqualTo(before.norm().item<float>()).Within(1e-4).Percent);
            Assert.That(after.norm().item<float>(), Is.EqualTo(Math.Min(norm, maximum)).Within(1e-3).Percent);
            Assert.That(after.allclose(before * Math.Min(1, maximum / norm), rtol: 1e-4), Is.True);
        });
    }

    [Test]
    public void ClippedStepsAreStepsOfClippedGradients([Values(0.5, 1e6)] double maximum)
    {
        using var scope = NewDisposeScope();
        Parameter[] one = Parameters([3, 1000, 40_000], ScalarType.Float32, 3), other = Parameters([3, 1000, 40_000], ScalarType.Float32, 3);
        using FusedSgd fused = new(one, 1), plain = new(other, 1);
        var norm = fused.StepClipped(maximum).item<double>();
        Assert.That(norm, Is.EqualTo(Gradients.ClipNorm(other, maximum).item<double>()));
        plain.step();
        foreach (var (p, q) in one.Zip(other)) Assert.That(p.allclose(q), Is.True);
        Assert.That(() => fused.StepClipped(0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void WhatOverflowsInFloat32HasANormAllTheSame()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(zeros(10));
        parameter.grad = full(10, 1e30f);
        Assert.That(Gradients.Norm([parameter]).item<double>(), Is.EqualTo(1e30 * Math.Sqrt(10)).Within(1e-4).Percent);
        parameter.grad = full(10, double.NaN);
        Assert.That(Gradients.Norm([parameter]).item<double>(), Is.NaN);
    }

    [Test]
    public void MixedTypesAndNone()
    {
        using var scope = NewDisposeScope();
        Parameter[] parameters = [new(zeros(2)), new(zeros(2, dtype: ScalarType.BFloat16)), new(zeros(2))];
        Assert.That(Gradients.Norm(parameters).item<double>(), Is.Zero);
        parameters[0].grad = full(2, 3f);
        parameters[1].grad = full(2, 4f, ScalarType.BFloat16);
        Assert.That(Gradients.ClipNorm(parameters, 1).to(ScalarType.Float64).item<double>(), Is.EqualTo(Math.Sqrt(50)).Within(1e-3));
        Assert.That(parameters[1].grad!.to(ScalarType.Float32)[0].item<float>(), Is.EqualTo(4 / Math.Sqrt(50)).Within(0.01));
        Assert.That(() => Gradients.ClipNorm(parameters, 0), Throws.InstanceOf<ArgumentException>());
    }

    private static Parameter[] Parameters(int[] lengths, ScalarType dtype, ulong seed)
    {
        using var generator = new Generator(seed);
        return [.. lengths.Select(n =>
        {
            var p = new Parameter(zeros(n, dtype: dtype));
            p.grad = randn([n], dtype: dtype, generator: generator);
            return p;
        })];
    }
}
