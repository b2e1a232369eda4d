using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Writes the entries of a checkpoint in the order in which PyTorch does.</summary>
internal static class ZipCheckpointWriter
{
    // The same for all files, so that equal contents are equal bytes whatever the file's name.
    private const string Root = "archive/";

    /// <summary>Writes a checkpoint.</summary>
    public static unsafe void Write(Stream stream, byte[] pickle, SavedStorages storages)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var zip = new ZipWriter(stream);
        // Views of the tensors' own memory; those on other devices are copied one at a time, when it is their turn.
        var views = storages.Storages.Select(s => s.Anchor?.as_strided([s.Count], [1], s.Start)).ToArray();
        var crcs = Checksums(views, storages.Storages);
        Add("data.pkl", pickle);
        Add("byteorder", "little"u8);
        for (var i = 0; i < views.Length; i++)
        {
            using var memory = views[i]?.cpu();
            var pointer = memory is null ? null : TensorMemory.Pointer(memory);
            var (key, bytes) = (storages.Storages[i].Key, storages.Storages[i].Bytes);
            zip.Add($"{Root}data/{key}", pointer, bytes, crcs[i] ?? TensorMemory.Crc(pointer, bytes));
        }
        Add("version", "3\n"u8);
        zip.Finish();

        void Add(string name, ReadOnlySpan<byte> contents)
        {
            fixed (byte* pointer = contents) zip.Add(Root + name, pointer, contents.Length, TensorMemory.Crc(pointer, contents.Length));
        }
    }

    private static unsafe uint?[] Checksums(Tensor?[] views, IReadOnlyList<SavedStorage> storages)
    {
        var crcs = new uint?[views.Length];
        var here = Enumerable.Range(0, views.Length).Where(i => views[i] is { device_type: DeviceType.CPU }).ToList();
        ParallelWork.ForEach(here, here.Sum(i => storages[i].Bytes), Compute);
        return crcs;

        void Compute(int i) => crcs[i] = TensorMemory.Crc(TensorMemory.Pointer(views[i]!), storages[i].Bytes);
    }
}
