using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// Reads checkpoints of PyTorch before 1.6: five pickles (magic number, protocol, machine, the tree, the storages' keys), then for each key
/// the number of elements and the elements.
/// </summary>
internal static class LegacyCheckpoint
{
    private const long Protocol = 1001;

    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");

    /// <summary>Reads everything but the tensors' data.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or hostile.</exception>
    public static PendingTree Read(SafeFileHandle file, string path, PyTorchLoadOptions options)
    {
        var limits = options.Limits;
        var length = RandomAccess.GetLength(file);
        var budget = new Budget(limits.MaxObjects + length);
        var pickles = new PickleSource(file, 0);
        if (!Magic.Equals(Plain())) throw new InvalidDataException("it does not begin with the magic number of a checkpoint");
        if (!Protocol.Equals(Plain())) throw new InvalidDataException("the version of the format is unknown");
        if (Plain() is not PyDict) throw new InvalidDataException("the description of the machine is missing");

        var source = new LegacyStorageSource(file, length);
        var storages = new StorageTable(source, hasViews: true);
        var factory = new TensorFactory(path, length, source, options);
        var tree = new Unpickler(pickles, limits, budget, new Reconstructor(storages, factory, budget)).Load();
        var tensors = TreeWalk.Check(tree, limits);
        var keys = Plain() as List<object?> ?? throw new InvalidDataException("the list of storages is missing");
        source.Locate(keys, storages, pickles.Position);
        return new PendingTree(tree, tensors, factory, storages.Storages, source);

        object? Plain() => new Unpickler(pickles, limits, budget, reconstructor: null).Load();
    }

    private sealed class LegacyStorageSource(SafeFileHandle file, long length) : StorageSource
    {
        private readonly Dictionary<string, long> _positions = new(StringComparer.Ordinal);
        private long _claimed;

        // The data come after the pickle: here is only known that all of them together fit into the file.
        public override void Admit(string key, long bytes)
        {
            if (bytes > length - _claimed)
                throw new InvalidDataException($"storages claim more bytes than the file has; '{key}' claims {bytes}");
            _claimed += bytes;
        }

        public override long PositionOf(StorageRef storage) => _positions[storage.Key];

        public override bool IsRaw(StorageRef storage) => true;

        public override bool CanMap => false;

        public override unsafe void Read(StorageRef storage, byte* destination)
        {
            if (destination is not null) TensorMemory.Read(file, _positions[storage.Key], destination, storage.Bytes);
        }

        public override unsafe void ReadPart(StorageRef storage, long offset, byte* destination, long length) =>
            TensorMemory.Read(file, _positions[storage.Key] + offset, destination, length);

        public override void VerifyRest(IEnumerable<StorageRef> read) { } // the format has no checksums

        public void Locate(List<object?> keys, StorageTable storages, long position)
        {
            Span<byte> counted = stackalloc byte[8];
            foreach (var item in keys)
            {
                if (item is not string key || storages.Find(key) is not { } storage)
                    throw new InvalidDataException($"the list of storages has the unknown {PyKey.Show(item)}");
                if (position > length - 8) throw new InvalidDataException($"the file ends before storage '{key}'");
                TensorMemory.ReadExactly(file, counted, position);
                var elementSize = storage.Dtype is { } dtype ? TensorMemory.ElementSize(dtype) : 1;
                if (BinaryPrimitives.ReadInt64LittleEndian(counted) is var count && count != storage.Bytes / elementSize)
                    throw new InvalidDataException($"storage '{key}' claims {storage.Bytes / elementSize} elements; its data, {count}");
                if (!_positions.TryAdd(key, position + 8)) throw new InvalidDataException($"storage '{key}' is listed twice");
                position += 8;
                if (storage.Bytes > length - position) throw new InvalidDataException($"the file ends within storage '{key}'");
                position += storage.Bytes;
            }
            if (_positions.Count != storages.Storages.Count) throw new InvalidDataException("storages are missing in the file");
        }
    }
}
