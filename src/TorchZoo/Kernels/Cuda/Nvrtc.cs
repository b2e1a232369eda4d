using System.Runtime.InteropServices;
using System.Text;

namespace TorchZoo.Kernels.Cuda;

/// <summary>CUDA's run-time compiler, any version from CUDA 11.2 on. Several threads may compile at once.</summary>
internal sealed unsafe class Nvrtc
{
    private static readonly Lazy<Nvrtc> Loaded = new(() => new Nvrtc(NvrtcLibrary.Candidates()));

    private readonly nint _library;
    private readonly delegate* unmanaged<int, byte*> _errorString;
    private readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> _create;
    private readonly delegate* unmanaged<nint, int, byte**, int> _compile;
    private readonly delegate* unmanaged<nint, byte*, int> _addName;
    private readonly delegate* unmanaged<nint, byte*, byte**, int> _loweredName;
    private readonly delegate* unmanaged<nint*, int> _destroy;

    /// <summary>Loads the first candidate that is there.</summary>
    /// <exception cref="DllNotFoundException">None is.</exception>
    public Nvrtc(IReadOnlyList<string> candidates)
    {
        (_library, Path) = NvrtcLibrary.Load(candidates);
        _errorString = (delegate* unmanaged<int, byte*>)Export("nvrtcGetErrorString");
        _create = (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Export("nvrtcCreateProgram");
        _compile = (delegate* unmanaged<nint, int, byte**, int>)Export("nvrtcCompileProgram");
        _addName = (delegate* unmanaged<nint, byte*, int>)Export("nvrtcAddNameExpression");
        _loweredName = (delegate* unmanaged<nint, byte*, byte**, int>)Export("nvrtcGetLoweredName");
        _destroy = (delegate* unmanaged<nint*, int>)Export("nvrtcDestroyProgram");

        int major, minor, count;
        Check(((delegate* unmanaged<int*, int*, int>)Export("nvrtcVersion"))(&major, &minor));
        Version = new Version(major, minor);
        Check(((delegate* unmanaged<int*, int>)Export("nvrtcGetNumSupportedArchs"))(&count));
        var architectures = new int[count];
        fixed (int* first = architectures) Check(((delegate* unmanaged<int*, int>)Export("nvrtcGetSupportedArchs"))(first));
        Architectures = architectures;
    }

    /// <summary>The one of this process.</summary>
    /// <exception cref="DllNotFoundException">There is none.</exception>
    public static Nvrtc Instance => Loaded.Value;

    /// <summary>The library's file or name.</summary>
    public string Path { get; }

    /// <summary>CUDA's version.</summary>
    public Version Version { get; }

    /// <summary>The architectures that it knows, e.g. 80 for sm_80, ascending.</summary>
    public IReadOnlyList<int> Architectures { get; }

    /// <summary>Compiles kernels of one source together.</summary>
    /// <param name="source">The source.</param>
    /// <param name="kernels">Their names as expressions in C++, e.g. <c>forward&lt;float&gt;</c>.</param>
    /// <param name="target"><c>sm_80</c> for machine code, <c>compute_80</c> for PTX.</param>
    /// <returns>Each kernel, with the image that holds all.</returns>
    /// <exception cref="CudaCompilationException">The source has an error.</exception>
    public CudaBinary[] Compile(CudaSource source, IReadOnlyList<string> kernels, string target)
    {
        using var text = new Utf8Strings(source.Text, source.Name);
        using var expressions = new Utf8Strings([.. kernels]);
        using var headers = new Utf8Strings([.. source.Headers.Values]);
        using var names = new Utf8Strings([.. source.Headers.Keys]);
        using var options = new Utf8Strings([.. source.AllOptions, $"--gpu-architecture={target}"]);
        nint program = 0;
        Check(_create(&program, text[0], text[1], source.Headers.Count, headers.Pointers, names.Pointers));
        try
        {
            for (var i = 0; i < kernels.Count; i++) Check(_addName(program, expressions[i]));
            CheckCompiled(program, _compile(program, options.Count, options.Pointers));
            var code = Output(program, "PTX");
            var ptx = Encoding.UTF8.GetString(code);
            if (target.StartsWith("sm_", StringComparison.Ordinal)) code = Output(program, "CUBIN");
            var binaries = new CudaBinary[kernels.Count];
            for (var i = 0; i < binaries.Length; i++)
            {
                byte* lowered = null;
                CheckCompiled(program, _loweredName(program, expressions[i], &lowered));
                var entry = Marshal.PtrToStringUTF8((nint)lowered)!;
                binaries[i] = new CudaBinary(entry, target, code, Ptx.ParameterSizes(ptx, entry));
            }
            return binaries;
        }
        finally { _ = _destroy(&program); }

        void CheckCompiled(nint compiled, int result)
        {
            if (result == 0) return;
            var log = Encoding.UTF8.GetString(Output(compiled, "ProgramLog")).TrimEnd('\0');
            throw new CudaCompilationException(source.Name, string.Join(", ", kernels), target,
                log.Trim().Length > 0 ? log : ErrorText(result));
        }
    }

    // nvrtcGetPTX and its like, with their sizes.
    private byte[] Output(nint program, string what)
    {
        nuint size;
        Check(((delegate* unmanaged<nint, nuint*, int>)Export($"nvrtcGet{what}Size"))(program, &size));
        var bytes = new byte[size];
        fixed (byte* first = bytes) Check(((delegate* unmanaged<nint, byte*, int>)Export($"nvrtcGet{what}"))(program, first));
        return bytes;
    }

    private nint Export(string name) => NativeLibrary.TryGetExport(_library, name, out var address) ? address
        : throw new DllNotFoundException($"{Path} has no {name}: CUDA's run-time compiler is needed in version 11.2 or newer");

    private string ErrorText(int result) => Marshal.PtrToStringUTF8((nint)_errorString(result)) ?? $"error {result}";

    private void Check(int result)
    {
        if (result != 0) throw new InvalidOperationException($"CUDA's run-time compiler ({Path}): {ErrorText(result)}");
    }

    /// <summary>Strings as C wants them.</summary>
    private readonly struct Utf8Strings : IDisposable
    {
        // One more, so that there is always something to point to.
        public Utf8Strings(params string[] strings)
        {
            Count = strings.Length;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)Count + 1, (nuint)sizeof(byte*));
            for (var i = 0; i < Count; i++) Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        }

        public int Count { get; }

        public byte** Pointers { get; }

        public byte* this[int i] => Pointers[i];

        public void Dispose()
        {
            for (var i = 0; i < Count; i++) Marshal.FreeCoTaskMem((nint)Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
