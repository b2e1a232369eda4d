using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// A run's state as a file that <c>torch.load(weights_only=True)</c> opens too: a dictionary of <c>model</c> {name, config, state_dict},
/// <c>modules</c> (state dicts of what belongs to the model, such as normalisers), <c>optimizer</c>, <c>scheduler</c>, <c>trainer</c>,
/// <c>rng</c>, <c>notes</c> and <c>format_version</c>. A bare state dict, or a dictionary with one under <c>state_dict</c>, loads as well.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The version of the layout that this library writes.</summary>
    public const long FormatVersion = 1;

    private readonly string _path;
    private readonly PyDict _root;
    private readonly PyDict _state;

    private Checkpoint(string path, PyDict root, PyDict state, PyDict? model)
    {
        (_path, _root, _state) = (path, root, state);
        if (model is null) return;
        ModelName = model.TryGet<string>("name", out var name) ? name : null;
        ModelConfig = model.TryGet<string>("config", out var config) ? config : null;
    }

    /// <summary>The module's name in <see cref="Zoo"/>; null for a bare state dict.</summary>
    public string? ModelName { get; }

    /// <summary>The module's configuration (JSON); null for a bare state dict.</summary>
    public string? ModelConfig { get; }

    /// <summary>The weights. They live as long as this object.</summary>
    public IReadOnlyDictionary<string, Tensor> State => Tensors(_state);

    /// <summary>Text that the run left, e.g. which data the model was trained on.</summary>
    public IReadOnlyDictionary<string, string> Notes =>
        _root.TryGet<PyDict>("notes", out var notes) ? notes.ToDictionary(n => (string)n.Key!, n => (string)n.Value!) : [];

    /// <summary>Optimizer states, in the order of the step's optimizers.</summary>
    internal IReadOnlyList<PyDict> Optimizers => [.. Required<List<object?>>("optimizer").Cast<PyDict>()];

    /// <summary>Reads a file. All of it is checked; nothing in it is executed.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no checkpoint, damaged, or of a later version of the layout.</exception>
    public static Checkpoint Load(string path)
    {
        var tree = PyTorchFile.Load(path);
        try
        {
            if (tree is not PyDict root) throw new InvalidDataException($"{path}: a checkpoint is a dictionary; this file holds {Kind(tree)}");
            if (root.TryGet<long>("format_version", out var version))
            {
                if (version > FormatVersion) throw new InvalidDataException($"{path}: layout version {version} is newer than this library's {FormatVersion}");
                var model = root.Get<PyDict>("model");
                return new Checkpoint(path, root, model.Get<PyDict>("state_dict"), model);
            }
            foreach (var key in (string[])["state_dict", "model_state_dict", "model"])
                if (root.TryGet<PyDict>(key, out var inner)) return new Checkpoint(path, root, inner, null);
            return new Checkpoint(path, root, root, null);
        }
        catch
        {
            PyTree.DisposeTensors(tree);
            throw;
        }
    }

    /// <summary>Copies the weights into a module.</summary>
    /// <exception cref="ArgumentException">They don't fit; the message names all keys that are missing, unexpected or of another shape.</exception>
    public void LoadInto(nn.Module module) => StateDict.Load(module, State, strict: true);

    /// <summary>Copies the weights of a module that was saved beside the model, such as a normaliser.</summary>
    /// <exception cref="InvalidDataException">The file has no such module.</exception>
    /// <exception cref="ArgumentException">The weights don't fit.</exception>
    public void LoadModule(string name, nn.Module module)
    {
        if (!Required<PyDict>("modules").TryGet<PyDict>(name, out var state)) throw new InvalidDataException($"{_path} holds no module '{name}'");
        StateDict.Load(module, Tensors(state), strict: true);
    }

    /// <inheritdoc/>
    public void Dispose() => PyTree.DisposeTensors(_root);

    internal PyDict Section(string name) => Required<PyDict>(name);

    /// <summary>Writes a file atomically: whoever reads it finds the old one or the new one, also after a crash.</summary>
    internal static void Save(string path, PyDict root) => PyTorchFile.Save(path, root);

    /// <summary>The entry <c>model</c>: what <see cref="Zoo.Load(string)"/> needs.</summary>
    internal static PyDict Describe(nn.Module module) => new()
    {
        ["name"] = Zoo.NameOf(module),
        ["config"] = module is IConfigured configured ? ConfigJson.Write(configured.Config) : null,
        ["state_dict"] = StateOf(module),
    };

    internal static PyDict StateOf(nn.Module module) =>
        PyDict.FromTensors(StateDict.Entries(module).Select(e => KeyValuePair.Create(e.Key, e.Show())));

    // What a state dict may hold beside tensors (a library's own notes under `_metadata`) is no weight.
    private static Dictionary<string, Tensor> Tensors(PyDict dict) =>
        dict.Where(i => i is { Key: string, Value: Tensor }).ToDictionary(i => (string)i.Key!, i => (Tensor)i.Value!);

    private T Required<T>(string name) => _root.TryGet<T>(name, out var value)
        ? value
        : throw new InvalidDataException($"{_path} holds weights but not the state of a run: it has no '{name}'");

    private static string Kind(object? tree) => tree is null ? "None" : tree is Tensor ? "a bare tensor" : $"a {tree.GetType().Name}";
}
