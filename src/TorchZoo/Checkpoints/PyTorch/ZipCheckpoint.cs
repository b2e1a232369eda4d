using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Reads checkpoints of PyTorch's zip format (1.6 and later).</summary>
internal static class ZipCheckpoint
{
    private const int MaxRecord = 64;
    private const int MaxVersion = 10;

    /// <summary>Reads everything but the tensors' data.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or hostile.</exception>
    public static PendingTree Read(SafeFileHandle file, string path, PyTorchLoadOptions options)
    {
        var limits = options.Limits;
        var length = RandomAccess.GetLength(file);
        var zip = new ZipArchiveReader(file, limits);
        var root = FindRoot(zip);
        CheckVersion(zip, root);
        var source = new ZipStorageSource(file, zip, root, IsBigEndian(zip, root));
        var storages = new StorageTable(source, hasViews: false);
        var budget = new Budget(limits.MaxObjects + length);
        var factory = new TensorFactory(path, length, source, options);
        var pickle = new PickleSource(zip.Read(zip.Find(root + "data.pkl")!, limits.MaxPickle));
        var tree = new Unpickler(pickle, limits, budget, new Reconstructor(storages, factory, budget)).Load();
        return new PendingTree(tree, TreeWalk.Check(tree, limits), factory, storages.Storages, source);
    }

    // All entries are in one folder, which is named after the file that was saved.
    private static string FindRoot(ZipArchiveReader zip)
    {
        if (zip.Entries.Count == 0) throw new InvalidDataException("the zip is empty");
        var first = zip.Entries.First().Name;
        var root = first[..(first.IndexOf('/') + 1)];
        if (root.Length == 0 || zip.Entries.Any(e => !e.Name.StartsWith(root, StringComparison.Ordinal)))
            throw new InvalidDataException("the entries of the zip are not in one folder");
        if (zip.Find(root + "constants.pkl") is not null || zip.Entries.Any(e => e.Name.AsSpan(root.Length).StartsWith("code/")))
            throw new InvalidDataException("it is a TorchScript program, not a checkpoint");
        if (zip.Find(root + "data.pkl") is null) throw new InvalidDataException("the zip has no entry data.pkl");
        return root;
    }

    private static void CheckVersion(ZipArchiveReader zip, string root)
    {
        if ((zip.Find(root + "version") ?? zip.Find(root + ".data/version")) is not { } entry) return;
        var text = Encoding.ASCII.GetString(zip.Read(entry, MaxRecord)).TrimEnd('\n');
        if (!int.TryParse(text, System.Globalization.NumberStyles.None, null, out var version) || version is < 1 or > MaxVersion)
            throw new InvalidDataException($"the format's version is '{PyKey.Printable(text)}'; 1 to {MaxVersion} are known");
    }

    private static bool IsBigEndian(ZipArchiveReader zip, string root) => zip.Find(root + "byteorder") is { } entry
        && Encoding.ASCII.GetString(zip.Read(entry, MaxRecord)) switch
        {
            "little" => false,
            "big" => true,
            var other => throw new InvalidDataException($"the byte order is '{PyKey.Printable(other)}'"),
        };

    private sealed class ZipStorageSource(SafeFileHandle file, ZipArchiveReader zip, string root, bool isBigEndian) : StorageSource
    {
        public override bool IsBigEndian => isBigEndian;

        public override void Admit(string key, long bytes)
        {
            var entry = zip.Find($"{root}data/{key}") ?? throw new InvalidDataException($"storage '{key}' has no entry in the zip");
            if (entry.Size != bytes) throw new InvalidDataException($"storage '{key}' claims {bytes} bytes; its entry has {entry.Size}");
        }

        public override long PositionOf(StorageRef storage) => Entry(storage).Position;

        public override bool IsRaw(StorageRef storage) => !Entry(storage).IsDeflated;

        public override bool CanMap => true;

        public override unsafe void Read(StorageRef storage, byte* destination) => zip.Read(Entry(storage), destination);

        public override unsafe void ReadPart(StorageRef storage, long offset, byte* destination, long length) =>
            TensorMemory.Read(file, Entry(storage).Position + offset, destination, length);

        public override unsafe void VerifyRest(IEnumerable<StorageRef> read)
        {
            var done = read.Select(s => $"{root}data/{s.Key}").ToHashSet();
            foreach (var entry in zip.Entries)
                if (!done.Contains(entry.Name)) zip.Read(entry, null);
        }

        private ZipEntry Entry(StorageRef storage) => zip.Find($"{root}data/{storage.Key}")!;
    }
}
