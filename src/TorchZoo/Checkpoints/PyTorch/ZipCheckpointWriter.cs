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
        var zip = new ZipWriter(stream);
        Add("data.pkl", pickle);
        Add("byteorder", "little"u8);
        foreach (var storage in storages.Storages)
        {
            if (storage.Anchor is null)
            {
                Add($"data/{storage.Key}", []);
                continue;
            }
            // On the CPU a view of the tensor's own memory, elsewhere a copy of one storage at a time.
            using var view = storage.Anchor.as_strided([storage.Count], [1], storage.Start);
            using var memory = view.cpu();
            zip.Add($"{Root}data/{storage.Key}", TensorMemory.Pointer(memory), storage.Bytes);
        }
        Add("version", "3\n"u8);
        zip.Finish();

        void Add(string name, ReadOnlySpan<byte> contents)
        {
            fixed (byte* pointer = contents) zip.Add(Root + name, pointer, contents.Length);
        }
    }
}
