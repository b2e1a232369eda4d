using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Pde;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

public sealed class GeneratedDataTests
{
    private int _made;

    private Dictionary<string, Tensor> Make(IProgressDisplay display, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _made);
        return new() { ["x"] = arange(0, 12, dtype: ScalarType.Float32).reshape(3, 4).t(), ["n"] = tensor(7L) };
    }

    [SetUp]
    public void Reset() => _made = 0;

    [Test]
    public void TheSecondCallReadsTheFile()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var cache = folder["cache"]; // not there yet
        var first = GeneratedData.GetOrCreate(cache, "numbers", new { Seed = 1 }, Make);
        var second = GeneratedData.GetOrCreate(cache, "numbers", new { Seed = 1 }, Make);
        Assert.That(_made, Is.EqualTo(1));
        Assert.That(second.Keys, Is.EquivalentTo(first.Keys));
        foreach (var name in first.Keys) Assert.That(second[name].Equals(first[name]));
        Assert.That(Directory.GetFiles(cache), Has.Length.EqualTo(1));
    }

    [Test]
    public void OtherSettingsAreOtherFiles()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        GeneratedData.GetOrCreate(folder.Path, "numbers", new { Seed = 1 }, Make);
        GeneratedData.GetOrCreate(folder.Path, "numbers", new { Seed = 2 }, Make);
        GeneratedData.GetOrCreate(folder.Path, "others", new { Seed = 1 }, Make);
        Assert.That(_made, Is.EqualTo(3));
        var generator = new BurgersGenerator();
        BurgersGenerator[] variants = [generator, generator with { Viscosity = 0.2 }, generator with { Size = 8 },
            generator with { Method = BurgersMethod.SpectralRk4 }, generator with { DType = ScalarType.Float64 }];
        Assert.That(variants.Select(v => GeneratedData.PathOf(folder.Path, "burgers", v)).Distinct().Count(), Is.EqualTo(variants.Length));
    }

    [Test]
    public void GeneratorsAreCached()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        IDataGenerator[] generators =
        [
            new BurgersGenerator { Size = 32 },
            new DarcyGenerator { Size = 9 },
            new NavierStokes2dGenerator { Size = 8, Frames = 2, TimeStep = 0.1 },
        ];
        foreach (var generator in generators)
        {
            var fresh = generator.Generate(3, 5);
            var stored = GeneratedData.GetOrCreate(folder.Path, generator, 3, 5);
            var read = GeneratedData.GetOrCreate(folder.Path, generator, 3, 5);
            foreach (var (name, expected) in fresh)
            {
                Assert.That(stored[name].Equals(expected));
                Assert.That(read[name].Equals(expected));
            }
        }
        Assert.That(folder.Files, Has.Count.EqualTo(3));
        GeneratedData.GetOrCreate(folder.Path, new BurgersGenerator { Size = 32 }, 4, 5);
        GeneratedData.GetOrCreate(folder.Path, new BurgersGenerator { Size = 32 }, 3, 6);
        Assert.That(folder.Files, Has.Count.EqualTo(5));
    }

    [Test]
    public void DamagedFilesAreMadeAgain()
    {
        using var folder = new TemporaryFolder();
        var path = GeneratedData.PathOf(folder.Path, "numbers", 1);
        using (NewDisposeScope()) GeneratedData.GetOrCreate(folder.Path, "numbers", 1, Make);
        var good = File.ReadAllBytes(path);
        byte[][] damaged = [[], good[..20], good[..^1], [.. good, 0], [.. good[..^3], 1, .. good[^2..]], new byte[good.Length]];
        foreach (var bytes in damaged)
        {
            using var scope = NewDisposeScope();
            _made = 0;
            File.WriteAllBytes(path, bytes);
            var tensors = GeneratedData.GetOrCreate(folder.Path, "numbers", 1, Make);
            Assert.That(_made, Is.EqualTo(1));
            Assert.That(tensors["x"].sum().item<float>(), Is.EqualTo(66));
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(good));
        }
    }

    [Test]
    public void AFileOfOtherSettingsIsNotTaken()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        GeneratedData.GetOrCreate(folder.Path, "numbers", 1, Make);
        File.Copy(GeneratedData.PathOf(folder.Path, "numbers", 1), GeneratedData.PathOf(folder.Path, "numbers", 2));
        GeneratedData.GetOrCreate(folder.Path, "numbers", 2, Make);
        Assert.That(_made, Is.EqualTo(2));
    }

    [Test]
    public void AFailureLeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidOperationException>(() =>
            GeneratedData.GetOrCreate(folder.Path, "numbers", 1, (_, _) => throw new InvalidOperationException()));
        Assert.Throws<OperationCanceledException>(() =>
            GeneratedData.GetOrCreate(folder.Path, new DarcyGenerator { Size = 9 }, 3, 1, cancellation: new CancellationToken(true)));
        Assert.That(folder.Files, Is.Empty);
    }

    [Test]
    public void ManyAtOnceAreSafe()
    {
        using var folder = new TemporaryFolder();
        Parallel.For(0, 16, _ =>
        {
            using var scope = NewDisposeScope();
            for (var i = 0; i < 8; i++)
            {
                var tensors = GeneratedData.GetOrCreate(folder.Path, "numbers", i % 2, Make);
                if (tensors["x"].sum().item<float>() != 66) throw new InvalidOperationException("a torn file was read");
            }
        });
        Assert.That(folder.Files, Has.Count.EqualTo(2));
        Assert.That(_made, Is.InRange(2, 32));
        Assert.That(SafetensorsFile.ReadHeader(GeneratedData.PathOf(folder.Path, "numbers", 0)).Metadata.Values,
            Has.Some.Contains("numbers"));
    }

    [Test]
    public void RefusesBadInput()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "", "a/b", "..\\a", "a b", "ü" })
            Assert.Throws<ArgumentException>(() => GeneratedData.GetOrCreate(folder.Path, name, 1, Make));
        Assert.Throws<ArgumentException>(() => GeneratedData.GetOrCreate(" ", "a", 1, Make));
        Assert.Throws<ArgumentNullException>(() => GeneratedData.GetOrCreate(folder.Path, "a", null!, Make));
        Assert.Throws<ArgumentNullException>(() => GeneratedData.GetOrCreate(folder.Path, "a", 1, null!));
        Assert.That(_made, Is.Zero);
    }
}
