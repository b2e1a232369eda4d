using System.Reflection;
using System.Text;
using NUnit.Framework;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>Kernels compile: all that are embedded, for all architectures, wherever there is a compiler.</summary>
public sealed class CompilationTests
{
    private const string Twice = "template <class T> __global__ void twice(T* x) { x[threadIdx.x] *= 2; }";

    private static readonly byte[] Elf = [0x7f, (byte)'E', (byte)'L', (byte)'F'];

    // Machine code is made by way of PTX, so both are checked.
    private static readonly string[] Targets = ["sm_70", "sm_80", "sm_90"];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    private static CudaSource Source(string text) => new("test.cu", text);

    /// <summary>Of this test's assembly and all of ours that it uses, directly or not.</summary>
    private static IEnumerable<CudaSource> Sources()
    {
        var seen = new HashSet<string>();
        return Ours(typeof(CompilationTests).Assembly).SelectMany(CudaSource.AllEmbedded);

        IEnumerable<Assembly> Ours(Assembly assembly) => !seen.Add(assembly.FullName!) ? [] :
            assembly.GetReferencedAssemblies().Where(a => a.Name!.StartsWith("TorchZoo", StringComparison.Ordinal)).Select(Assembly.Load)
                .SelectMany(Ours).Prepend(assembly);
    }

    private static IEnumerable<TestCaseData> Instances() =>
        from source in Sources()
        from target in Targets
        select new TestCaseData(source, target).SetName($"Compiles({source}, {target})");

    [TestCaseSource(nameof(Instances))]
    public void Compiles(CudaSource source, string target)
    {
        Cuda.NeedsCompiler();
        if (!CudaCompiler.Architectures.Contains(int.Parse(target.Split('_')[1])))
            Assert.Ignore($"CUDA {CudaCompiler.Version} makes no code for {target}");
        Assert.That(source.Instances, Is.Not.Empty, "a source lists what is used of it in lines // instantiate:");
        var binaries = CudaCompiler.CompileAll(source, target);
        Assert.That(binaries, Has.Count.EqualTo(source.Instances.Count));
        Assert.That(binaries.Select(b => b.EntryPoint), Is.Unique);
        Assert.That(binaries[0].Image.AsSpan(0, 4).SequenceEqual(Elf), Is.True);
        Assert.That(binaries.Select(b => b.ParameterSizes), Has.None.Empty);
    }

    [Test]
    public void PtxIsTextForALaterGpu()
    {
        Cuda.NeedsCompiler();
        var binary = CudaCompiler.Compile(Source(Twice), "twice<float>", "compute_70", new KernelCache(_folder.Path));
        var text = Encoding.ASCII.GetString(binary.Image);
        Assert.That(text, Does.Contain(".target sm_70").And.Contain($".entry {binary.EntryPoint}("));
        // The driver reads up to a zero.
        Assert.That(binary.Image[^1], Is.Zero);
    }

    [Test]
    public void SizesOfParametersAreThoseOfTheKernel()
    {
        Cuda.NeedsCompiler();
        const string Text = """
            struct Three { float a, b, c; };
            struct Big { double s[32]; };
            __global__ void none() { }
            __global__ void some(bool a, short b, int c, float d, double e, const float* f, Three g, Big h, char i)
            { *(double*)f = e + h.s[c]; }
            """;
        Assert.Multiple(() =>
        {
            Assert.That(Compile(Text, "none").ParameterSizes, Is.Empty);
            Assert.That(Compile(Text, "some").ParameterSizes, Is.EqualTo(new[] { 1, 2, 4, 4, 8, 8, 12, 256, 1 }));
        });
        // CUDA 12 says more of pointers.
        const string Later = ".visible .entry k(\n\t.param .u64 .ptr .global .align 1 k_param_0,\n\t.param .u32 k_param_1\n)\n";
        Assert.That(Ptx.ParameterSizes(Later, "k"), Is.EqualTo(new[] { 8, 4 }));
        Assert.That(() => Ptx.ParameterSizes(".visible .entry other()", "k"), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void AnErrorNamesFileAndLineAndComesWithTheLog()
    {
        Cuda.NeedsCompiler();
        var error = Assert.Throws<CudaCompilationException>(() => Compile("__global__ void k()\n{\n    int i = unknown;\n}\n", "k"))!;
        Assert.Multiple(() =>
        {
            Assert.That((error.File, error.Line), Is.EqualTo(("test.cu", 3)));
            Assert.That(error.Log, Does.Contain("unknown"));
            Assert.That(error.Message, Does.Contain("test.cu").And.Contain("unknown").And.Contain("sm_80"));
        });

        var header = new CudaSource("test.cu", "#include \"mine.cuh\"\n__global__ void k() { }\n",
            new Dictionary<string, string> { ["mine.cuh"] = "\n\nint f( {\n" });
        error = Assert.Throws<CudaCompilationException>(() => CudaCompiler.CompileAll(header, "sm_80", "k"))!;
        Assert.That((error.File, error.Line), Is.EqualTo(("mine.cuh", 3)));

        error = Assert.Throws<CudaCompilationException>(() => Compile("#include <vector>\n__global__ void k() { }\n", "k"))!;
        Assert.That((error.File, error.Line), Is.EqualTo(("test.cu", 1)));

        error = Assert.Throws<CudaCompilationException>(() => Compile("__global__ void k() { }\n", "absent<float>"))!;
        Assert.That(error.Kernel, Is.EqualTo("absent<float>"));
        Assert.That(error.Log, Does.Contain("absent"));
    }

    [TestCase("sm80")]
    [TestCase("")]
    [TestCase("sm_80 --use_fast_math")]
    public void RefusesWhatIsNoTarget(string target) =>
        Assert.That(() => CudaCompiler.Compile(Source(Twice), "twice<float>", target), Throws.ArgumentException);

    [Test]
    public void ATargetIsTheGpusOwnOrTheNextOlder()
    {
        int[] known = [70, 75, 80, 90];
        Assert.Multiple(() =>
        {
            Assert.That(CudaCompiler.TargetFor(80, known), Is.EqualTo("sm_80"));
            Assert.That(CudaCompiler.TargetFor(89, known), Is.EqualTo("compute_80"));
            Assert.That(CudaCompiler.TargetFor(120, known), Is.EqualTo("compute_90"));
            Assert.That(() => CudaCompiler.TargetFor(61, known), Throws.TypeOf<NotSupportedException>().With.Message.Contain("61"));
        });
    }

    [Test]
    public void OptionsAndHeadersReachTheCompiler()
    {
        Cuda.NeedsCompiler();
        var source = new CudaSource("test.cu",
            "#include \"mine.cuh\"\n#include \"torchzoo.cuh\"\n__global__ void k(Mine<SIZE> m, int64 n) { }\n",
            new Dictionary<string, string> { ["mine.cuh"] = "template <int n> struct Mine { int items[n]; };" })
        { Options = ["-DSIZE=5"] };
        Assert.That(CudaCompiler.CompileAll(source, "sm_80", "k")[0].ParameterSizes, Is.EqualTo(new[] { 20, 8 }));
    }

    [Test]
    public void SeveralThreadsCompileAtOnce()
    {
        Cuda.NeedsCompiler();
        var cache = new KernelCache(_folder.Path);
        var made = new CudaBinary[8];
        Parallel.For(0, made.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            made[i] = CudaCompiler.Compile(Source(Twice), i % 2 == 0 ? "twice<float>" : "twice<double>", "sm_80", cache));
        Assert.That(made.Select(b => b.EntryPoint).Distinct().Count(), Is.EqualTo(2));
        Assert.That(made.Where((_, i) => i % 2 == 0).Select(b => b.Image), Is.All.EqualTo(made[0].Image));
        Assert.That(_folder.Files, Has.Count.EqualTo(2));
    }

    private static CudaBinary Compile(string text, string kernel) => CudaCompiler.CompileAll(Source(text), "sm_80", kernel)[0];
}
