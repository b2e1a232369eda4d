using System.Runtime.InteropServices;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>A checkpoint of 1 GiB in a temporary folder, whose pages are in memory when it is read.</summary>
internal static unsafe class CheckpointBenchmarks
{
    private const int Layers = 16, Width = 4096, Piece = 1 << 20;
    private const long Bytes = (long)Layers * Width * Width * sizeof(float);

    [Benchmark("checkpoints/load-1g", "one plain read of the same bytes into memory (share of its speed); ours reads twice, to verify first", "≥ 0.7")]
    public static Measurement Load(Stopwatches clock) => Measure(clock, (module, memory, folder) =>
    {
        var path = Path.Combine(folder, "a.pt");
        PyTorchFile.Save(path, StateDict.Of(module));
        return (() => PyTorchFile.LoadStateDict(path, module), () => Read(path, memory));
    });

    [Benchmark("checkpoints/load-1g-memory", "memory at the worst moment of loading into a module, beyond the module's", "≤ 100 MB")]
    public static Measurement LoadMemory(Stopwatches clock) => With(module =>
    {
        var path = Path.Combine(module.Folder, "a.pt");
        PyTorchFile.Save(path, StateDict.Of(module.Module));
        return Measurement.Megabytes(Enumerable.Range(0, clock.Rounds).Max(_ => PeakMemory.Of(() => PyTorchFile.LoadStateDict(path, module.Module))));
    });

    [Benchmark("checkpoints/open-1g", "opening the same file mapped into memory", "≤ 50 ms")]
    public static Measurement Open(Stopwatches clock) => With(module =>
    {
        var path = Path.Combine(module.Folder, "a.pt");
        PyTorchFile.Save(path, StateDict.Of(module.Module));
        return Measurement.Milliseconds(clock.Time(() => PyTree.DisposeTensors(PyTorchFile.Load(path, new PyTorchLoadOptions { MemoryMap = true })))[0]);
    });

    [Benchmark("checkpoints/save-1g", "a plain write of the same bytes, flushed to the disk too (share of its speed)", "≥ 0.6")]
    public static Measurement Save(Stopwatches clock) => Measure(clock, (module, memory, folder) =>
    {
        var state = StateDict.Of(module);
        return (() => PyTorchFile.Save(Path.Combine(folder, "a.pt"), state), () => Write(Path.Combine(folder, "b"), memory));
    });

    private static Measurement Measure(Stopwatches clock, Func<nn.Module, IntPtr, string, (Action Ours, Action Plain)> prepare) =>
        With(module =>
        {
            var memory = (IntPtr)NativeMemory.AllocZeroed((nuint)Bytes);
            try
            {
                var (ours, plain) = prepare(module.Module, memory, module.Folder);
                var times = clock.Time(ours, plain);
                // Baseline / value: the share of the plain operation's speed.
                return Measurement.SpeedUp(times[0], times[1]);
            }
            finally
            {
                NativeMemory.Free((void*)memory);
            }
        });

    private static Measurement With(Func<(nn.Module Module, string Folder), Measurement> measure)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var layers = Enumerable.Range(0, Layers)
            .Select(i => ($"layer{i}", (nn.Module<Tensor, Tensor>)nn.Linear(Width, Width, hasBias: false))).ToArray();
        return measure((nn.Sequential(layers), folder.Path));
    }

    private static void Read(string path, IntPtr memory)
    {
        using var file = File.OpenHandle(path);
        for (var position = 0L; position < Bytes;)
        {
            var count = RandomAccess.Read(file, new Span<byte>((byte*)memory + position, (int)Math.Min(Piece, Bytes - position)), position);
            position += count > 0 ? count : throw new EndOfStreamException();
        }
    }

    private static void Write(string path, IntPtr memory)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var position = 0L; position < Bytes; position += Piece) file.Write(new ReadOnlySpan<byte>((byte*)memory + position, Piece));
        file.Flush(flushToDisk: true);
    }
}
