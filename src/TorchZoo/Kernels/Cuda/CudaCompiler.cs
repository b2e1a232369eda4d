using System.Text.RegularExpressions;

namespace TorchZoo.Kernels.Cuda;

/// <summary>Compiles CUDA kernels at run time, with NVIDIA's compiler library (NVRTC). No GPU is needed for it.</summary>
/// <remarks>What was compiled is kept in the user's cache folder: <c>torchzoo/kernels</c> in XDG_CACHE_HOME (or ~/.cache), on Windows in
/// the local application data.</remarks>
public static partial class CudaCompiler
{
    private static readonly Lazy<string?> Missing = new(() =>
    {
        try { return Nvrtc.Instance is null ? "" : null; }
        catch (DllNotFoundException e) { return e.Message; }
    });

    /// <summary>Why there is no compiler, in words; null: there is one.</summary>
    public static string? Problem => Missing.Value;

    /// <summary>CUDA's version.</summary>
    /// <exception cref="DllNotFoundException">There is no compiler; the message says where was looked.</exception>
    public static Version Version => Nvrtc.Instance.Version;

    /// <summary>The architectures that the compiler knows, e.g. 80 for sm_80, ascending.</summary>
    /// <exception cref="DllNotFoundException">There is no compiler; the message says where was looked.</exception>
    public static IReadOnlyList<int> Architectures => Nvrtc.Instance.Architectures;

    /// <summary>One compiled kernel, from the disk if it is there.</summary>
    /// <param name="source">The source.</param>
    /// <param name="kernel">The kernel's name as in C++, e.g. <c>forward&lt;float&gt;</c>.</param>
    /// <param name="target"><c>sm_80</c> and the like: machine code (CUBIN); <c>compute_80</c>: PTX, which the driver translates for
    /// whatever GPU it has from that architecture on.</param>
    /// <exception cref="ArgumentException">That is no target.</exception>
    /// <exception cref="CudaCompilationException">The source has an error, or no such kernel.</exception>
    /// <exception cref="DllNotFoundException">There is no compiler; the message says where was looked.</exception>
    public static CudaBinary Compile(CudaSource source, string kernel, string target) =>
        Compile(source, kernel, target, KernelCache.Default);

    internal static CudaBinary Compile(CudaSource source, string kernel, string target, KernelCache cache)
    {
        Check(source, target);
        ArgumentException.ThrowIfNullOrWhiteSpace(kernel);
        var compiler = Nvrtc.Instance;
        return cache.GetOrAdd(KernelCache.Key(source, kernel, target, compiler.Version),
            () => compiler.Compile(source, [kernel], target)[0]);
    }

    /// <summary>Several kernels, compiled together and not from the disk: for tests that all is well with a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="target">As in <see cref="Compile(CudaSource, string, string)"/>. Machine code is made by way of PTX.</param>
    /// <param name="kernels">The kernels; none: all instances that the source lists.</param>
    /// <returns>The kernels in their order, each with the image that holds all.</returns>
    /// <exception cref="ArgumentException">That is no target.</exception>
    /// <exception cref="CudaCompilationException">The source has an error, or no such kernel.</exception>
    /// <exception cref="DllNotFoundException">There is no compiler; the message says where was looked.</exception>
    public static IReadOnlyList<CudaBinary> CompileAll(CudaSource source, string target, params IReadOnlyList<string> kernels)
    {
        Check(source, target);
        ArgumentNullException.ThrowIfNull(kernels);
        return Nvrtc.Instance.Compile(source, kernels.Count == 0 ? source.Instances : kernels, target);
    }

    /// <summary>What to compile for: machine code where the compiler knows the GPU, else PTX for the next older architecture.</summary>
    /// <param name="capability">The GPU's compute capability, e.g. 80.</param>
    /// <param name="known">The architectures that the compiler knows.</param>
    /// <exception cref="NotSupportedException">The GPU is older than all of them.</exception>
    internal static string TargetFor(int capability, IReadOnlyList<int> known) =>
        known.Contains(capability) ? $"sm_{capability}"
        : known.Any(k => k < capability) ? $"compute_{known.Where(k => k < capability).Max()}"
        : throw new NotSupportedException($"this CUDA compiler makes code for GPUs from compute capability {known.Min()} on; "
            + $"this one's is {capability}");

    private static void Check(CudaSource source, string target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        if (!Target.IsMatch(target)) throw new ArgumentException($"Expected sm_80, compute_80 or the like, got {target}", nameof(target));
    }

    [GeneratedRegex(@"^(sm|compute)_\d{2,3}[af]?$")]
    private static partial Regex Target { get; }
}
