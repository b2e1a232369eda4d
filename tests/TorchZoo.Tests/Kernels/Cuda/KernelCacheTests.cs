using NUnit.Framework;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Kernels.Cuda;

public sealed class KernelCacheTests
{
    private static readonly CudaBinary Made = new("_Z1kPf", "sm_80", [1, 2, 3, 0, 255], [8, 4, 2048]);

    private TemporaryFolder _folder = null!;
    private int _compilations;

    [SetUp]
    public void Begin() => (_folder, _compilations) = (new TemporaryFolder(), 0);

    [TearDown]
    public void End() => _folder.Dispose();

    private CudaBinary Get(string key = "key", string? folder = null) => new KernelCache(folder ?? _folder.Path).GetOrAdd(key, () =>
    {
        _compilations++;
        return Made;
    });

    private static void AssertIsMade(CudaBinary binary)
    {
        Assert.That((binary.EntryPoint, binary.Target), Is.EqualTo((Made.EntryPoint, Made.Target)));
        Assert.That(binary.Image, Is.EqualTo(Made.Image));
        Assert.That(binary.ParameterSizes, Is.EqualTo(Made.ParameterSizes));
    }

    [Test]
    public void TheSecondTimeItComesFromTheDisk()
    {
        AssertIsMade(Get());
        AssertIsMade(Get());
        Assert.That(_compilations, Is.EqualTo(1));
        AssertIsMade(Get("another"));
        Assert.That(_compilations, Is.EqualTo(2));
        Assert.That(_folder.Files, Is.EqualTo(new[] { "another.kernel", "key.kernel" }));
    }

    [Test]
    public void ADamagedFileIsMadeAgain()
    {
        Get();
        var path = _folder["key.kernel"];
        var whole = File.ReadAllBytes(path);
        // Each byte changed, and each length cut.
        for (var i = 0; i < whole.Length; i++)
        {
            var damaged = whole.ToArray();
            damaged[i] ^= 0x10;
            File.WriteAllBytes(path, i % 2 == 0 ? damaged : whole[..i]);
            AssertIsMade(Get());
            Assert.That(_compilations, Is.EqualTo(i + 2));
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(whole));
        }
    }

    [Test]
    public void AFolderThatCannotBeWrittenIsNoError()
    {
        // A file stands where the folder should be: root may write anywhere else.
        var file = _folder["file"];
        File.WriteAllText(file, "");
        AssertIsMade(Get(folder: Path.Combine(file, "kernels")));
        AssertIsMade(Get(folder: file));
        Assert.That(_compilations, Is.EqualTo(2));
    }

    [Test]
    public void WhatFailsToCompileIsNotKept()
    {
        var cache = new KernelCache(_folder.Path);
        Assert.That(() => cache.GetOrAdd("key", () => throw new CudaCompilationException("a.cu", "k", "sm_80", "a.cu(1): error: no")),
            Throws.TypeOf<CudaCompilationException>());
        Assert.That(_folder.Files, Is.Empty);
    }

    [Test]
    public void TheFolderStaysSmall()
    {
        for (var i = 0; i < KernelCache.MostFiles; i++)
        {
            File.WriteAllText(_folder[$"{i}.kernel"], "");
            File.SetLastWriteTimeUtc(_folder[$"{i}.kernel"], DateTime.UnixEpoch.AddDays(i));
        }
        Get();
        Assert.That(_folder.Files, Has.Count.EqualTo(KernelCache.MostFiles / 2 + 1));
        Assert.That(_folder.Files, Has.Member("key.kernel").And.No.Member("0.kernel"));
    }

    [Test]
    public void AnythingThatMattersChangesTheKey()
    {
        static CudaSource Source(string text = "a", string name = "a.cu", string header = "h", string[]? options = null) =>
            new(name, text, new Dictionary<string, string> { ["h.cuh"] = header }) { Options = options ?? ["-DA"] };
        var version = new Version(12, 0);
        string[] keys =
        [
            KernelCache.Key(Source(), "k", "sm_80", version),
            KernelCache.Key(Source(text: "b"), "k", "sm_80", version),
            KernelCache.Key(Source(name: "b.cu"), "k", "sm_80", version),
            KernelCache.Key(Source(header: "i"), "k", "sm_80", version),
            KernelCache.Key(Source(options: []), "k", "sm_80", version),
            KernelCache.Key(Source(options: ["-D", "A"]), "k", "sm_80", version),
            KernelCache.Key(Source(options: ["-DB"]), "k", "sm_80", version),
            KernelCache.Key(Source(), "l", "sm_80", version),
            KernelCache.Key(Source(), "k", "sm_90", version),
            KernelCache.Key(Source(), "k", "compute_80", version),
            KernelCache.Key(Source(), "k", "sm_80", new Version(12, 1)),
        ];
        Assert.That(keys, Is.Unique);
        Assert.That(KernelCache.Key(Source(), "k", "sm_80", version), Is.EqualTo(keys[0]));
        Assert.That(keys[0], Does.Match("^[0-9a-f]{64}$"));
    }

    [Test]
    public void ACompiledKernelIsTheSameFromTheDisk()
    {
        Cuda.NeedsCompiler();
        var (source, cache) = (new CudaSource("t.cu", "__global__ void k(float* x, int n) { x[n] = 1; }"), new KernelCache(_folder.Path));
        var made = CudaCompiler.Compile(source, "k", "sm_80", cache);
        var file = _folder[_folder.Files.Single()];
        var written = File.GetLastWriteTimeUtc(file);
        var read = CudaCompiler.Compile(source, "k", "sm_80", cache);
        Assert.That(read.Image, Is.EqualTo(made.Image));
        Assert.That(read.ParameterSizes, Is.EqualTo(new[] { 8, 4 }));
        Assert.That(File.GetLastWriteTimeUtc(file), Is.EqualTo(written));
        Assert.That(_folder.Files, Has.Count.EqualTo(1));
    }
}
