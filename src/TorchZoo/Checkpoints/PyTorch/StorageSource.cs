namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Where the bytes of storages are.</summary>
internal abstract class StorageSource
{
    /// <summary>Whether elements are stored with their most significant byte first.</summary>
    public virtual bool IsBigEndian => false;

    /// <summary>Verifies that the file holds a storage of this size.</summary>
    /// <exception cref="InvalidDataException">It doesn't.</exception>
    public abstract void Admit(string key, long bytes);

    /// <summary>Where in the file a storage is.</summary>
    public abstract long PositionOf(StorageRef storage);

    /// <summary>Whether a storage is in the file byte for byte, not compressed.</summary>
    public abstract bool IsRaw(StorageRef storage);

    /// <summary>Whether positions are known while the pickle is read, so that tensors can be made on the mapped file.</summary>
    public abstract bool CanMap { get; }

    /// <summary>Reads a storage and verifies its checksum.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="destination">Memory of its size; null: only verify.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public abstract unsafe void Read(StorageRef storage, byte* destination);

    /// <summary>Reads a part of a raw storage.</summary>
    /// <exception cref="EndOfStreamException">The file has become shorter.</exception>
    public abstract unsafe void ReadPart(StorageRef storage, long offset, byte* destination, long length);

    /// <summary>Verifies what no tensor is made of.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public abstract void VerifyRest(IEnumerable<StorageRef> read);
}
