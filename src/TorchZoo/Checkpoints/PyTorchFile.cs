using Microsoft.Win32.SafeHandles;
using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// Files of <c>torch.save</c> and <c>torch.load</c>. Reading is as strict as <c>weights_only=True</c> and stricter where that trusts the
/// file: nothing is executed, and every size, offset and checksum is verified.
/// </summary>
public static class PyTorchFile
{
    /// <summary>Reads a file, of the zip format or the one before it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to read it.</param>
    /// <returns>The tree of its values, see <see cref="PyTree"/>. Its tensors belong to the caller (<see cref="PyTree.DisposeTensors"/>),
    /// or to the dispose scope that is open. Tensors that shared memory when they were saved share it again.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, hostile, or holds what a checkpoint may not hold; the message names the
    /// file and the reason.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static object? Load(string path, PyTorchLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var scope = NewDisposeScope();
        using var file = File.OpenHandle(path);
        var pending = Open(file, path, options ?? PyTorchLoadOptions.Default);
        try { pending.Fill(); }
        catch (Exception e) when (IsDamage(e)) { throw Damaged(path, e); }
        foreach (var tensor in pending.Tensors) tensor.MoveToOuterDisposeScope();
        return pending.Tree;
    }

    /// <summary>
    /// Reads weights of a file into a module. Names and shapes are compared and all data verified before the module is touched; then they
    /// go from the file straight into the module's memory.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="module">The module, on any device and of any dtype.</param>
    /// <param name="strict">Whether all keys must fit; otherwise those that do are loaded.</param>
    /// <param name="select">Finds the state dict in the file's tree; null: the whole tree, or the dict that is at <c>model/state_dict</c>,
    /// <c>state_dict</c>, <c>model_state_dict</c> or <c>model</c>. Its tensors must not be read: they have no data yet.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="ArgumentException">Strict, and keys are missing, unexpected or mismatched; the message names all of
    /// them.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or hostile, or holds no state dict.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static StateDictReport LoadStateDict(string path, nn.Module module, bool strict = true, Func<object?, PyDict>? select = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(module);
        using var scope = NewDisposeScope();
        using var file = File.OpenHandle(path);
        var pending = Open(file, path, PyTorchLoadOptions.Default);
        try
        {
            var state = (select ?? FindStateDict)(pending.Tree).ToTensors();
            var match = StateDict.Match(module, state, strict);
            match.Write(pending.CopyTo);
            return match.Report;
        }
        catch (Exception e) when (IsDamage(e)) { throw Damaged(path, e); }
    }

    /// <summary>
    /// The state dict in a tree that was read: the tree itself, or what is at <c>model/state_dict</c> (our own layout), <c>state_dict</c>,
    /// <c>model_state_dict</c> or <c>model</c>, where training scripts use to put it.
    /// </summary>
    /// <param name="tree">A file's tree.</param>
    /// <returns>A part of the tree, not a copy: <see cref="PyDict.ToTensors"/> gives its weights.</returns>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static PyDict FindStateDict(object? tree)
    {
        if (tree is PyDict root)
        {
            if (IsStateDict(root)) return root;
            string[][] places = [["model", "state_dict"], ["state_dict"], ["model_state_dict"], ["model"]];
            foreach (var place in places)
                if (root.TryGet<PyDict>(place, out var found) && IsStateDict(found)) return found;
        }
        throw new InvalidDataException($"it holds no state dict, a dictionary of nothing but named tensors: {Other(tree)}");
    }

    private static bool IsStateDict(PyDict dict) => dict.All(item => item.Key is string name && (item.Value is Tensor || PyDict.IsNoWeight(name)));

    private static string Other(object? tree) =>
        tree is PyDict dict && dict.Where(item => item.Value is not Tensor).Select(item => $"it holds {PyTree.Describe(item.Value)} at {PyKey.Show(item.Key)}")
            .FirstOrDefault() is { } other ? other : $"it holds {PyTree.Describe(tree)}";

    /// <summary>Writes a tree to a file of the zip format, atomically (see <see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file; one of this name is replaced.</param>
    /// <param name="tree">Values as in <see cref="PyTree"/>; also int, float and dictionaries of names and tensors. Tensors are of any
    /// device and stay there; the file says <c>cpu</c> for all. Tensors that share memory share it in the file.</param>
    /// <exception cref="ArgumentException">The tree holds a value of another type, a cycle, or a tensor that is sparse or
    /// quantized.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, object? tree)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var storages = SavedStorages.Of(tree);
        var pickle = new Pickler(storages).Pickle(tree);
        AtomicFile.Write(path, stream => ZipCheckpointWriter.Write(stream, pickle, storages));
    }

    /// <summary>Reads everything but the tensors' data; call it within a dispose scope, which then owns the tensors.</summary>
    internal static PendingTree Open(SafeFileHandle file, string path, PyTorchLoadOptions options)
    {
        try
        {
            Span<byte> start = stackalloc byte[4];
            if (RandomAccess.GetLength(file) < start.Length) throw new InvalidDataException("it is too short");
            TensorMemory.ReadExactly(file, start, 0);
            if (start.SequenceEqual("PK\x03\x04"u8)) return ZipCheckpoint.Read(file, path, options);
            if (start[0] == (byte)Opcode.Proto) return LegacyCheckpoint.Read(file, path, options);
            throw new InvalidDataException("it is neither a zip nor a pickle");
        }
        catch (Exception e) when (IsDamage(e)) { throw Damaged(path, e); }
    }

    internal static bool IsDamage(Exception e) => e is InvalidDataException or EndOfStreamException;

    internal static InvalidDataException Damaged(string path, Exception e) => new($"{path} is no valid checkpoint: {e.Message}", e);
}
